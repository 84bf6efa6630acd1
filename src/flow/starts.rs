//! Where in the file each flow began: what stream numbers are counted from, also for flows that were given up.
//!
//! What enters: places (frame and order within the frame) that never go back. What leaves: the same places, merged
//! over shards. Guaranteed: one to two bytes a flow in ordinary captures.

use crate::bytes::{Cursor, push_varint};

/// Packets of one frame that are told apart in a place; a frame carries one, or a few inside tunnels and aggregates.
const IN_FRAME_BITS: u32 = 4;

/// The place of a packet as one ordered number.
pub fn place(frame: u64, in_frame: u32) -> u64 {
    let top = u64::MAX >> IN_FRAME_BITS;
    frame.min(top) << IN_FRAME_BITS | u64::from(in_frame.min((1 << IN_FRAME_BITS) - 1))
}

/// The number of a place's packet within its frame.
pub fn in_frame(place: u64) -> u8 {
    (place & ((1 << IN_FRAME_BITS) - 1)) as u8
}

/// A place in five bytes, for lists of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortPlace([u8; 5]);

impl ShortPlace {
    /// A place as such; `None` behind the first 2^36 frames.
    pub fn new(place: u64) -> Option<ShortPlace> {
        let [0, 0, 0, short @ ..] = place.to_be_bytes() else { return None };
        Some(ShortPlace(short))
    }

    /// The place.
    pub fn place(self) -> u64 {
        self.0.iter().fold(0, |place, byte| place << 8 | u64::from(*byte))
    }
}

/// A rising list of places, each stored as its distance from the last in seven-bit groups.
#[derive(Debug, Default)]
pub struct StartLog {
    bytes: Vec<u8>,
    last: u64,
}

impl StartLog {
    /// Adds a place; one that would go back counts as equal to the last.
    pub fn push(&mut self, place: u64) {
        let step = place.saturating_sub(self.last);
        self.last = self.last.saturating_add(step);
        // Whole frames mostly: their number is shorter than the place.
        let whole = step & ((1 << IN_FRAME_BITS) - 1) == 0;
        push_varint(
            &mut self.bytes,
            if whole { u128::from(step >> IN_FRAME_BITS) << 1 } else { u128::from(step) << 1 | 1 },
        );
    }

    /// All places in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let mut bytes = Cursor::new(&self.bytes);
        let mut last = 0u64;
        std::iter::from_fn(move || {
            let packed = bytes.varint()?;
            let step = if packed & 1 == 0 { packed >> 1 << IN_FRAME_BITS } else { packed >> 1 };
            last = last.saturating_add(step as u64);
            Some(last)
        })
    }
}

/// All places of several logs in order.
pub fn merged(logs: &[StartLog]) -> impl Iterator<Item = u64> + '_ {
    let mut heads: Vec<_> = logs.iter().map(|log| log.iter().peekable()).collect();
    std::iter::from_fn(move || {
        let (least, _) =
            heads.iter_mut().enumerate().filter_map(|(i, h)| Some((i, *h.peek()?))).min_by_key(|(_, place)| *place)?;
        heads.get_mut(least)?.next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn merged_logs_are_all_places_in_order(lists in proptest::collection::vec(proptest::collection::vec(any::<u32>(), 0..30), 0..5)) {
            let mut logs = Vec::new();
            let mut all = Vec::new();
            for list in lists {
                let mut places: Vec<u64> = list.into_iter().map(|f| place(u64::from(f) << 20, f & 7)).collect();
                places.sort_unstable();
                let mut log = StartLog::default();
                places.iter().for_each(|p| log.push(*p));
                prop_assert_eq!(log.iter().collect::<Vec<_>>(), places.clone());
                all.extend(places);
                logs.push(log);
            }
            all.sort_unstable();
            prop_assert_eq!(merged(&logs).collect::<Vec<_>>(), all);
        }
    }

    #[test]
    fn a_short_place_is_the_place_or_nothing() {
        for place in [0, 1, 0x12_3456_789A, (1 << 40) - 1] {
            assert_eq!(ShortPlace::new(place).map(ShortPlace::place), Some(place));
        }
        assert_eq!([1 << 40, u64::MAX].map(ShortPlace::new), [None, None]);
    }

    #[test]
    fn the_last_frames_do_not_wrap() {
        assert!(place(u64::MAX, 3) > place(1 << 40, 9));
    }
}
