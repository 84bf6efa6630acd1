//! What went wrong without ending the analysis: counted, the first place kept, always reported.

use crate::lang::Message;

/// One kind of trouble in one piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable code, `snake_case`, never translated.
    pub code: &'static str,
    /// How often it was met.
    pub count: u64,
    /// What it is and what it means for the result.
    pub message: Message,
    /// Number of the first frame concerned, where there is one.
    pub first_frame: Option<u64>,
    /// Byte offset in the (unpacked) file of the first place, where there is one.
    pub offset: Option<u64>,
}

/// The problems of one piece of evidence, one entry a code, in the order first met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Counts one more `code`; `message` is only built the first time.
    pub fn note(
        &mut self,
        code: &'static str,
        first_frame: Option<u64>,
        offset: Option<u64>,
        message: impl FnOnce() -> Message,
    ) {
        self.note_many(code, 1, first_frame, offset, message);
    }

    /// As [`Problems::note`], for `count` at once. Nothing is noted for a count of 0.
    pub fn note_many(
        &mut self,
        code: &'static str,
        count: u64,
        first_frame: Option<u64>,
        offset: Option<u64>,
        message: impl FnOnce() -> Message,
    ) {
        if count == 0 {
            return;
        }
        match self.0.iter_mut().find(|p| p.code == code) {
            Some(p) => p.count = p.count.saturating_add(count),
            None => self.0.push(Problem { code, count, message: message(), first_frame, offset }),
        }
    }

    /// Adds all of `other`; for a shared code the earlier frame is kept.
    pub fn merge(&mut self, other: Problems) {
        for p in other.0 {
            match self.0.iter_mut().find(|q| q.code == p.code) {
                Some(q) => {
                    q.count = q.count.saturating_add(p.count);
                    if p.first_frame.is_some_and(|f| q.first_frame.is_none_or(|g| f < g)) {
                        q.first_frame = p.first_frame;
                        q.offset = p.offset;
                        q.message = p.message;
                    }
                }
                None => self.0.push(p),
            }
        }
    }

    /// The entry for `code`.
    pub fn get(&self, code: &str) -> Option<&Problem> {
        self.0.iter().find(|p| p.code == code)
    }

    /// All entries.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// True when nothing went wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts the entries into an order that does not depend on who met them first.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| (a.first_frame, a.offset, a.code).cmp(&(b.first_frame, b.offset, b.code)));
    }
}
