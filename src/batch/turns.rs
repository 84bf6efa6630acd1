//! Placeholders over a whole run, the same whatever ran first: cases are analysed at the same time and redacted one
//! after another, in the order in which they were begun by plan.

use crate::report::redact::Redactor;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// What waits for its turn.
#[derive(Debug)]
pub(super) struct Turns<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    redactor: Redactor,
    next: usize,
    waiting: BTreeMap<usize, Option<T>>,
}

impl<T> Turns<T> {
    pub(super) fn new() -> Turns<T> {
        Turns { state: Mutex::new(State { redactor: Redactor::default(), next: 0, waiting: BTreeMap::new() }) }
    }

    /// Hands in what has the place `turn` (`None`: nothing came of it), and redacts everything whose turn has come.
    /// What was redacted comes back to whoever made it possible, so that nobody waits.
    pub(super) fn put(&self, turn: usize, item: Option<T>, redact: impl Fn(&mut Redactor, &mut T)) -> Vec<T> {
        // A panic while redacting leaves names unlearned: nothing may be written after it.
        let Ok(mut guard) = self.state.lock() else { return Vec::new() };
        let state = &mut *guard;
        state.waiting.insert(turn, item);
        let mut ready = Vec::new();
        while let Some(item) = state.waiting.remove(&state.next) {
            state.next = state.next.saturating_add(1);
            if let Some(mut item) = item {
                redact(&mut state.redactor, &mut item);
                ready.push(item);
            }
        }
        ready
    }

    /// The redactor once all cases are done, for what belongs to none.
    pub(super) fn with_redactor(&self, work: impl FnOnce(&mut Redactor)) {
        if let Ok(mut state) = self.state.lock() {
            work(&mut state.redactor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_follow_the_plan_not_the_clock() {
        let redact = |r: &mut Redactor, text: &mut String| r.string(text);
        let turns = Turns::new();
        assert!(turns.put(2, Some("10.0.0.3".to_owned()), redact).is_empty());
        assert!(turns.put(1, None, redact).is_empty());
        assert_eq!(turns.put(0, Some("10.0.0.1".to_owned()), redact), ["address-1", "address-2"]);
        turns.with_redactor(|r| assert_eq!(r.text("10.0.0.3 10.0.0.2"), "address-2 address-3"));
    }
}
