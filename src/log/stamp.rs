//! Dates and times as logs write them.
//!
//! What enters: text. What leaves: points in time, wall-clock times, times of day. No zone is ever guessed.

use crate::facts::log::LogTime;
use crate::time::Timestamp;
use regex::{Captures, Regex};
use std::sync::LazyLock;

/// Nanoseconds in a day.
pub const DAY_NANOS: i64 = 86_400 * 1_000_000_000;

/// Day number (0 = 1970-01-01) of a proleptic Gregorian date; `None` for dates that do not exist.
pub fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if !(1..=length).contains(&day) || !(1..=9999).contains(&year) {
        return None;
    }
    // Years that begin in March, so that the leap day ends them.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// A wall-clock date and time, written as though it were UTC.
pub fn civil(date: (i64, i64, i64), time: (i64, i64, i64), nanos: i64) -> Option<Timestamp> {
    let days = days_from_civil(date.0, date.1, date.2)?;
    let (h, m, s) = time;
    if !(0..24).contains(&h) || !(0..60).contains(&m) || !(0..=60).contains(&s) {
        return None;
    }
    Some(Timestamp::from_parts(days.checked_mul(86_400)?.checked_add(h * 3600 + m * 60 + s)?, nanos))
}

static ISO: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[ T](\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?\s?(Z\b|UTC\b|[+-]\d{2}:?\d{2}\b)?",
    )
    .ok()
});
static HTTP_DATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(\d{1,2})[ -](Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ -](\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC)",
    )
    .ok()
});
static TIME_OF_DAY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?:(午前|午後|오전|오후|上午|下午)\s?)?(\d{1,2})[:.](\d{2})[:.](\d{2})(?:\s?([AaPp])\.?\s?[Mm]\.?)?\s+- ",
    )
    .ok()
});
static SLASHED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2}):(\d{2})(?:\s?([AaPp])[Mm])?").ok());
static COMPACT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(20\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})\b").ok());

static CLOCK: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b(\d{1,2}):(\d{2}):(\d{2})\b").ok());

fn int(c: &Captures<'_>, i: usize) -> Option<i64> {
    c.get(i)?.as_str().parse().ok()
}

/// The first date and time in ISO 8601 form: a point in time where a zone follows, else wall clock.
pub fn iso(text: &str) -> Option<LogTime> {
    let c = ISO.as_ref()?.captures(text)?;
    let nanos = match c.get(7) {
        Some(digits) => {
            let digits = digits.as_str();
            digits.parse::<i64>().ok()? * 10_i64.checked_pow(9u32.checked_sub(digits.len() as u32)?)?
        }
        None => 0,
    };
    let t = civil((int(&c, 1)?, int(&c, 2)?, int(&c, 3)?), (int(&c, 4)?, int(&c, 5)?, int(&c, 6)?), nanos)?;
    match c.get(8).map(|z| z.as_str()) {
        None => Some(LogTime::Local(t)),
        Some("Z" | "UTC") => Some(LogTime::Utc(t)),
        Some(zone) => {
            let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
            let hours: i64 = digits.get(..2)?.parse().ok()?;
            let minutes: i64 = digits.get(2..)?.parse().ok()?;
            let offset = (hours * 60 + minutes) * 60_000_000_000;
            Some(LogTime::Utc(t.plus(if zone.starts_with('-') { offset } else { -offset })))
        }
    }
}

/// The first HTTP date (RFC 9110 section 5.6.7), also with dashes as cookies have it.
pub fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let c = HTTP_DATE.as_ref()?.captures(text)?;
    let month = MONTHS.iter().position(|m| Some(*m) == c.get(2).map(|m| m.as_str()))? as i64 + 1;
    civil((int(&c, 3)?, month, int(&c, 1)?), (int(&c, 4)?, int(&c, 5)?, int(&c, 6)?), 0)
}

/// A time of day in the user's culture at the start of a line, followed by ` - `; and the rest of the line.
pub fn time_of_day(text: &str) -> Option<(LogTime, &str)> {
    let c = TIME_OF_DAY.as_ref()?.captures(text)?;
    let (mut h, m, s) = (int(&c, 2)?, int(&c, 3)?, int(&c, 4)?);
    let afternoon = match (c.get(1).map(|x| x.as_str()), c.get(5).map(|x| x.as_str())) {
        (Some("午後" | "오후" | "下午"), _) | (_, Some("P" | "p")) => Some(true),
        (Some(_), _) | (_, Some(_)) => Some(false),
        (None, None) => None,
    };
    match afternoon {
        Some(true) if h < 12 => h += 12,
        Some(false) if h == 12 => h = 0,
        _ => {}
    }
    if h > 23 || m > 59 || s > 60 {
        return None;
    }
    let rest = text.get(c.get(0)?.end()..)?;
    Some((LogTime::TimeOfDay((h * 3600 + m * 60 + s) * 1_000_000_000), rest))
}

/// The first time of day, of 24 hours.
pub fn clock(text: &str) -> Option<LogTime> {
    let c = CLOCK.as_ref()?.captures(text)?;
    let (h, m, s) = (int(&c, 1)?, int(&c, 2)?, int(&c, 3)?);
    (h < 24 && m < 60 && s <= 60).then_some(LogTime::TimeOfDay((h * 3600 + m * 60 + s) * 1_000_000_000))
}

/// `11/28/2021 11:15:07` as .NET writes it: month first, unless that cannot be.
pub fn slashed(text: &str) -> Option<Timestamp> {
    let c = SLASHED.as_ref()?.captures(text)?;
    let (first, second) = (int(&c, 1)?, int(&c, 2)?);
    let (month, day) = if first > 12 { (second, first) } else { (first, second) };
    let mut h = int(&c, 4)?;
    match c.get(7).map(|x| x.as_str()) {
        Some("P" | "p") if h < 12 => h += 12,
        Some("A" | "a") if h == 12 => h = 0,
        _ => {}
    }
    civil((int(&c, 3)?, month, day), (h, int(&c, 5)?, int(&c, 6)?), 0)
}

/// `20200629161310`, the start of a PowerShell transcript.
pub fn compact(text: &str) -> Option<Timestamp> {
    let c = COMPACT.as_ref()?.captures(text)?;
    civil((int(&c, 1)?, int(&c, 2)?, int(&c, 3)?), (int(&c, 4)?, int(&c, 5)?, int(&c, 6)?), 0)
}

/// Local time minus UTC in minutes, rounded to quarters of an hour, which all zones keep to; between −12 and +14 hours.
pub fn offset_minutes(local: LogTime, utc: Timestamp) -> Option<i32> {
    let difference = match local {
        LogTime::Local(t) => t.since(utc),
        LogTime::TimeOfDay(n) => n.checked_sub(utc.0.rem_euclid(DAY_NANOS))?,
        LogTime::Utc(_) => return None,
    };
    let quarter = 15 * 60_000_000_000_i64;
    let mut minutes = difference.checked_add(quarter / 2)?.div_euclid(quarter).checked_mul(15)?;
    if matches!(local, LogTime::TimeOfDay(_)) {
        // A day later or earlier over there.
        minutes = if minutes > 14 * 60 {
            minutes - 24 * 60
        } else if minutes < -12 * 60 {
            minutes + 24 * 60
        } else {
            minutes
        };
    }
    (-12 * 60..=14 * 60).contains(&minutes).then(|| i32::try_from(minutes).ok()).flatten()
}

/// The point in time of a local stamp: `offset_minutes` is known; `near` dates a time of day.
pub fn to_utc(local: LogTime, offset_minutes: i32, near: Option<Timestamp>) -> Option<Timestamp> {
    let offset = i64::from(offset_minutes) * 60_000_000_000;
    match local {
        LogTime::Utc(t) => Some(t),
        LogTime::Local(t) => Some(t.plus(-offset)),
        LogTime::TimeOfDay(n) => {
            let near = near?.plus(offset);
            let midnight = near.0.div_euclid(DAY_NANOS).checked_mul(DAY_NANOS)?;
            let best = [-1i64, 0, 1]
                .into_iter()
                .filter_map(|d| midnight.checked_add(d * DAY_NANOS)?.checked_add(n))
                .min_by_key(|t| t.abs_diff(near.0))?;
            Some(Timestamp(best).plus(-offset))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(text: &str) -> Timestamp {
        match iso(text) {
            Some(LogTime::Utc(t) | LogTime::Local(t)) => t,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn dates_are_days_since_1970() {
        assert_eq!(days_from_civil(1970, 1, 1), Some(0));
        assert_eq!(days_from_civil(2000, 3, 1), Some(11_017));
        assert_eq!(days_from_civil(2024, 2, 29), Some(19_782));
        assert_eq!(days_from_civil(2023, 2, 29), None);
        assert_eq!(days_from_civil(2023, 13, 1), None);
    }

    #[test]
    fn the_same_second_is_read_from_every_notation() {
        let want = t("2026-02-17 18:39:09Z");
        assert_eq!(http_date("Date: Tue, 17 Feb 2026 18:39:09 GMT"), Some(want));
        assert_eq!(iso("[2026-02-18T03:39:09+09:00]"), Some(LogTime::Utc(want)));
        assert_eq!(iso("2026-02-17 18:39:09,000 DEBUG x"), Some(LogTime::Local(want)));
        assert_eq!(slashed("[02/17/2026 18:39:09 - ]"), Some(want));
        assert_eq!(slashed("2/17/2026 6:39:09 PM"), Some(want));
        assert_eq!(compact("Start time: 20260217183909"), Some(want));
        assert_eq!(iso("2026-11-22 15:13:29,218 x"), Some(LogTime::Local(t("2026-11-22 15:13:29").plus(218_000_000))));
    }

    #[test]
    fn times_of_day_come_in_the_culture_of_the_user() {
        let nanos = |h: i64, m: i64, s: i64| LogTime::TimeOfDay((h * 3600 + m * 60 + s) * 1_000_000_000);
        assert_eq!(time_of_day("10:15:14 PM - begin"), Some((nanos(22, 15, 14), "begin")));
        assert_eq!(time_of_day("12:00:01 AM - x"), Some((nanos(0, 0, 1), "x")));
        assert_eq!(time_of_day("22:15:14 - begin"), Some((nanos(22, 15, 14), "begin")));
        assert_eq!(time_of_day("午後 10:15:14 - begin"), Some((nanos(22, 15, 14), "begin")));
        assert_eq!(time_of_day("25:00:00 - x"), None);
        assert_eq!(time_of_day("no time"), None);
    }

    #[test]
    fn a_zone_is_the_difference_of_two_stamps() {
        let utc = t("2026-02-03 18:15:09Z");
        let local = LogTime::TimeOfDay((3 * 3600 + 15 * 60 + 4) * 1_000_000_000);
        assert_eq!(offset_minutes(local, utc), Some(9 * 60));
        assert_eq!(to_utc(local, 540, Some(utc)), Some(utc.plus(-5_000_000_000)));
        assert_eq!(offset_minutes(LogTime::Local(t("2026-02-03 23:45:10")), utc), Some(330));
        assert_eq!(offset_minutes(LogTime::Local(t("2026-02-05 23:45:10")), utc), None);
    }
}
