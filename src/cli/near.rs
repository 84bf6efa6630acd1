//! Which of some words was probably meant by one that is none of them.
//!
//! What enters: a word as it was typed, and those that there are. What leaves: the one that is a slip or two away.

/// Letters that a word may be away from the one that was meant: left out, put in, another one, or two the wrong way
/// round.
const SLIPS_MAX: usize = 2;

/// The word out of `words` that is nearest to `typed`, if it is near. A short word is no slip of another one.
pub fn nearest<'a>(typed: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = words.map(|word| (slips(typed, word), word)).filter(|(slips, word)| slips * 2 < word.len());
    near.filter(|(slips, _)| *slips <= SLIPS_MAX).min().map(|(_, word)| word)
}

/// The distance of two words (optimal string alignment), counted in bytes.
fn slips(a: &str, b: &str) -> usize {
    // The rows of the table for the letters of `a` before the last, before this one, and at it.
    let (mut before, mut last): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=b.len()).collect());
    let mut letter_before = None;
    for (i, x) in a.bytes().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.bytes().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX - 1);
            let mut least = (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = j > 0 && letter_before == Some(y) && b.as_bytes().get(j - 1) == Some(&x);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
        letter_before = Some(x);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_letters_left_out_put_in_changed_or_swapped() {
        for (a, b, distance) in [
            ("", "abc", 3),
            ("abc", "", 3),
            ("diff", "diff", 0),
            ("dif", "diff", 1),
            ("bacth", "batch", 1),
            ("ab", "cd", 2),
        ] {
            assert_eq!((slips(a, b), slips(b, a)), (distance, distance), "{a} {b}");
        }
    }

    #[test]
    fn a_name_of_a_file_is_no_slip_of_a_command() {
        const COMMANDS: [&str; 5] = ["analyze", "batch", "diff", "man", "facts"];
        let nearest = |typed| nearest(typed, COMMANDS.into_iter());
        assert_eq!(
            [nearest("bacth"), nearest("anlyse"), nearest("dif")],
            [Some("batch"), Some("analyze"), Some("diff")]
        );
        assert_eq!([nearest("me"), nearest("trace"), nearest("debug"), nearest("batch.log")], [None; 4]);
    }
}
