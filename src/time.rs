//! Points in time as captures have them: nanoseconds since 1970, UTC.

use std::fmt;

/// Nanoseconds since 1970-01-01T00:00:00Z. Negative before; covers 1677 to 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// A frame stands in a capture up to this long (nanoseconds) behind one that was sent after it: mirror ports and captures
/// of several processors write them so.
pub const LATE_NS: i64 = 3_000_000;

impl Timestamp {
    /// From seconds and nanoseconds; saturates at the ends of the range.
    pub fn from_parts(seconds: i64, nanos: i64) -> Self {
        Timestamp(seconds.saturating_mul(NANOS_PER_SECOND).saturating_add(nanos))
    }

    /// From a date of the Gregorian calendar, the second of its day and nanoseconds; saturates at the ends of the
    /// range. Months and days outside their range count on.
    pub fn from_civil(year: i64, month: i64, day: i64, second_of_day: i64, nanos: i64) -> Self {
        // Count in 400-year eras of years that begin in March, so that the leap day ends a year.
        let months = month.saturating_sub(1).clamp(-1200, 1200);
        let year = year.clamp(-10_000, 10_000) + months.div_euclid(12);
        let month = months.rem_euclid(12) + 1;
        let (year, month_index) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * month_index + 2) / 5 + day.clamp(-100_000, 100_000) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = year.div_euclid(400) * 146_097 + day_of_era - 719_468;
        Timestamp::from_parts((days * 86_400).saturating_add(second_of_day), nanos)
    }

    /// Nanoseconds from `earlier` to `self`, saturating.
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Seconds from `earlier` to `self`, for thresholds and texts.
    pub fn seconds_since(self, earlier: Timestamp) -> f64 {
        self.since(earlier) as f64 / NANOS_PER_SECOND as f64
    }

    /// `self` moved by `nanos`, saturating.
    pub fn plus(self, nanos: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(nanos))
    }

    /// Whole seconds since 1970 (floor) and the nanoseconds behind them.
    pub fn parts(self) -> (i64, u32) {
        (self.0.div_euclid(NANOS_PER_SECOND), self.0.rem_euclid(NANOS_PER_SECOND) as u32)
    }

    /// Seconds since 1970 as decimal text with nine places, as capture tools print it.
    pub fn epoch_text(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let n = self.0.unsigned_abs();
        format!("{sign}{}.{:09}", n / 1_000_000_000, n % 1_000_000_000)
    }
}

/// Puts stretches of time in the order of their beginnings and gives each the latest end until then: one look-up in them
/// tells whether any that had begun was still under way.
pub fn join_ends(stretches: &mut [(Timestamp, Timestamp)]) {
    stretches.sort();
    let mut latest = Timestamp(i64::MIN);
    for (_, end) in stretches {
        latest = latest.max(*end);
        *end = latest;
    }
}

/// RFC 3339, UTC, always with nine decimal places.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = self.parts();
        let (days, second_of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (y, m, d) = civil_from_days(days);
        let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
        // A report holds many thousand of them: digit by digit takes a tenth of the time of `write!`. The years that a
        // time stamp covers have four digits.
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        let fields = [(y, 4), (m, 7), (d, 10), (hour, 13), (minute, 16), (second, 19), (i64::from(nanos), 29)];
        for (mut value, end) in fields {
            for digit in text.iter_mut().take(end).rev().take_while(|byte| byte.is_ascii_digit()) {
                *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
                value /= 10;
            }
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// The proleptic Gregorian date of a day number (0 = 1970-01-01).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // Count in 400-year eras from 0000-03-01, so that the leap day ends a year.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_the_times_that_print_as_them() {
        for (year, month, day) in [(1970, 1, 1), (2024, 2, 29), (2000, 12, 31), (1999, 3, 1), (2100, 2, 28)] {
            let time = Timestamp::from_civil(year, month, day, 3661, 5);
            assert_eq!(time.to_string(), format!("{year}-{month:02}-{day:02}T01:01:01.000000005Z"));
        }
        assert_eq!(Timestamp::from_civil(i64::MAX, i64::MIN, i64::MAX, i64::MAX, i64::MAX), Timestamp(i64::MAX));
    }

    #[test]
    fn rfc3339_has_nine_places_and_survives_the_edges() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(Timestamp::from_parts(1_709_164_800, 5).to_string(), "2024-02-29T00:00:00.000000005Z");
        assert!(Timestamp(i64::MAX).to_string().starts_with("2262-04-11"));
        assert!(Timestamp(i64::MIN).to_string().starts_with("1677-09-21"));
        assert_eq!(Timestamp(-1_500_000_000).epoch_text(), "-1.500000000");
    }
}
