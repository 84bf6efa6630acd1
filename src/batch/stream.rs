//! What a batch prints on standard output.

use crate::error::Error;
use crate::output::{Output, read_or_not};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;

/// Prints all of it; a reader that has gone away is no error.
pub(super) fn print(bytes: &[u8]) -> Result<(), Error> {
    let mut out = Output::open(None)?;
    let written = out.write_all(bytes);
    read_or_not(out.checked(written).and_then(|()| out.finish()))
}

/// Lines for standard output in the order of the cases, whichever is done first.
pub(super) struct Stream {
    pub(super) wanted: bool,
    waiting: Mutex<(usize, BTreeMap<usize, Option<String>>)>,
}

impl Stream {
    pub(super) fn new(wanted: bool) -> Stream {
        Stream { wanted, waiting: Mutex::new((0, BTreeMap::new())) }
    }

    pub(super) fn put(&self, index: usize, line: Option<String>) {
        if !self.wanted {
            return;
        }
        let Ok(mut guard) = self.waiting.lock() else { return };
        let (next, waiting) = &mut *guard;
        waiting.insert(index, line);
        while let Some(line) = waiting.remove(next) {
            *next += 1;
            // A reader that has gone away wants no more lines; the reports are still written.
            if let Some(line) = line {
                let _ = print(line.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_the_order_of_the_cases() {
        let stream = Stream::new(true);
        stream.put(1, None);
        assert_eq!(stream.waiting.lock().unwrap().0, 0);
        stream.put(0, None);
        assert_eq!(stream.waiting.lock().unwrap().0, 2);
    }
}
