//! HTTP dates (RFC 9110 5.6.7): IMF-fixdate, RFC 850 and asctime.

use crate::time::Timestamp;

/// The time that an HTTP date names; `None` when it is none.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if !text.is_ascii() || text.len() > 64 {
        return None;
    }
    // "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"
    if let Some((_, rest)) = text.split_once(',') {
        let rest = rest.trim().replace('-', " ");
        let mut words = rest.split_ascii_whitespace();
        let (day, month, year, clock) = (words.next()?, words.next()?, words.next()?, words.next()?);
        if !matches!(words.next(), Some("GMT" | "UTC")) {
            return None;
        }
        let mut y: i64 = number(year)?;
        if year.len() == 2 {
            // RFC 9110 takes two digits as within 50 years of now; captures of this kind are from this century.
            y = y.checked_add(if y >= 70 { 1900 } else { 2000 })?;
        }
        at(y, month, day, clock)
    } else {
        let mut words = text.split_ascii_whitespace().skip(1);
        let (month, day, clock, year) = (words.next()?, words.next()?, words.next()?, words.next()?);
        at(number(year)?, month, day, clock)
    }
}

fn number(text: &str) -> Option<i64> {
    if text.is_empty() || text.len() > 4 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn at(year: i64, month: &str, day: &str, clock: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = i64::try_from(MONTHS.iter().position(|m| m.eq_ignore_ascii_case(month))?).ok()?.checked_add(1)?;
    let day = number(day).filter(|d| (1..=31).contains(d))?;
    let mut parts = clock.split(':').map(number);
    let (h, m, s) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || h > 23 || m > 59 || s > 60 || !(1970..=2262).contains(&year) {
        return None;
    }
    let seconds = days(year, month, day).checked_mul(86_400)?.checked_add(h * 3600 + m * 60 + s)?;
    Some(Timestamp::from_parts(seconds, 0))
}

/// Days since 1970-01-01 of a proleptic Gregorian date; the inputs are small and checked.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Count years from March, so that a leap day is the last day of its year.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_three_forms_name_the_same_second() {
        let expected = "1994-11-06T08:49:37.000000000Z";
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(parse(text).unwrap().to_string(), expected, "{text}");
        }
        assert_eq!(parse("Thu, 29 Feb 2024 23:59:59 GMT").unwrap().to_string(), "2024-02-29T23:59:59.000000000Z");
        assert_eq!(parse("Thu, 01 Jan 1970 00:00:00 GMT").unwrap().0, 0);
    }

    #[test]
    fn nonsense_is_no_date() {
        for text in [
            "",
            ",",
            "0",
            "Sun, 06 Nov 99999 08:49:37 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49 GMT",
            "日, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
