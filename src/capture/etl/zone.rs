//! TIME_ZONE_INFORMATION → minutes east of UTC at one point in time.

use crate::bytes::Cursor;
use crate::time::Timestamp;

/// A yearly change between standard and daylight time (SYSTEMTIME in "day in month" form, or a date when `year` > 0).
struct Change {
    year: u16,
    month: u16,
    weekday: u16,
    day: u16,
    minute_of_day: i64,
}

/// Minutes east of UTC at `when`; 0 when `zone` is too short to say.
pub fn utc_offset_minutes(zone: &[u8], when: Timestamp) -> i32 {
    parse(zone, when).unwrap_or(0)
}

fn parse(zone: &[u8], when: Timestamp) -> Option<i32> {
    let mut c = Cursor::new(zone);
    let bias = c.u32_le()? as i32;
    c.skip(64)?;
    let to_standard = change(&mut c)?;
    let standard_bias = c.u32_le()? as i32;
    c.skip(64)?;
    let to_daylight = change(&mut c)?;
    let daylight_bias = c.u32_le()? as i32;
    let offset = |extra: i32| bias.saturating_add(extra).saturating_neg();
    // No zone is a day away; anything else is damage.
    let sane = |minutes: i32| if minutes.abs() <= 24 * 60 { Some(minutes) } else { None };
    if to_standard.month == 0 || to_daylight.month == 0 {
        return sane(offset(standard_bias));
    }
    let (standard, daylight) = (sane(offset(standard_bias))?, sane(offset(daylight_bias))?);
    // Each change is given in the local time before it.
    let minutes = when.parts().0.div_euclid(60);
    let year = year_of(minutes.saturating_add(i64::from(standard)).div_euclid(1440));
    let begins = to_daylight.minutes(year) - i64::from(standard);
    let ends = to_standard.minutes(year) - i64::from(daylight);
    let summer = if begins <= ends { minutes >= begins && minutes < ends } else { minutes >= begins || minutes < ends };
    Some(if summer { daylight } else { standard })
}

fn change(c: &mut Cursor<'_>) -> Option<Change> {
    let year = c.u16_le()?;
    let month = c.u16_le()?;
    let weekday = c.u16_le()?;
    let day = c.u16_le()?;
    let minute_of_day = i64::from(c.u16_le()?) * 60 + i64::from(c.u16_le()?);
    c.skip(4)?;
    Some(Change { year, month, weekday, day, minute_of_day })
}

impl Change {
    /// Minutes since 1970 in local time at which the change happens in `year`.
    fn minutes(&self, year: i64) -> i64 {
        let month = i64::from(self.month.clamp(1, 12));
        let first = days_from_civil(year, month, 1);
        let day = if self.year != 0 {
            first + i64::from(self.day.clamp(1, 31)) - 1
        } else {
            // 1970-01-01 was a Thursday (4).
            let to_weekday = (i64::from(self.weekday) - (first + 4)).rem_euclid(7);
            let mut day = first + to_weekday + 7 * (i64::from(self.day.clamp(1, 5)) - 1);
            // The fifth means the last.
            let next = if month == 12 { days_from_civil(year + 1, 1, 1) } else { days_from_civil(year, month + 1, 1) };
            while day >= next {
                day -= 7;
            }
            day
        };
        day * 1440 + self.minute_of_day
    }
}

/// Day number (0 = 1970-01-01) of a proleptic Gregorian date.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let year_of_era = y.rem_euclid(400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    y.div_euclid(400) * 146_097 + day_of_era - 719_468
}

fn year_of(day: i64) -> i64 {
    // Near enough, then corrected by one year either way.
    let mut year = 1970 + day.div_euclid(365) - day.div_euclid(365 * 1461);
    while days_from_civil(year, 1, 1) > day {
        year -= 1;
    }
    while days_from_civil(year + 1, 1, 1) <= day {
        year += 1;
    }
    year
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(bias: i32, standard: [u16; 8], standard_bias: i32, daylight: [u16; 8], daylight_bias: i32) -> Vec<u8> {
        let mut z = Vec::new();
        for (b, names, change) in [(bias, 64, None), (standard_bias, 64, Some(standard))] {
            if let Some(change) = change {
                z.extend(change.iter().flat_map(|v: &u16| v.to_le_bytes()));
            }
            z.extend_from_slice(&b.to_le_bytes());
            z.extend_from_slice(&vec![0; names]);
        }
        z.extend(daylight.iter().flat_map(|v| v.to_le_bytes()));
        z.extend_from_slice(&daylight_bias.to_le_bytes());
        z
    }

    #[test]
    fn summer_time_is_told_from_the_rules() {
        let berlin = zone(-60, [0, 10, 0, 5, 3, 0, 0, 0], 0, [0, 3, 0, 5, 2, 0, 0, 0], -60);
        assert_eq!(berlin.len(), 172);
        let at = |s: i64| utc_offset_minutes(&berlin, Timestamp::from_parts(s, 0));
        assert_eq!(at(1_704_067_200), 60); // 2024-01-01
        assert_eq!(at(1_711_846_799), 60); // 2024-03-31 00:59:59 UTC
        assert_eq!(at(1_711_846_800), 120);
        assert_eq!(at(1_729_990_799), 120); // 2024-10-27 00:59:59 UTC
        assert_eq!(at(1_729_990_800), 60);
        let tokyo = zone(-540, [0; 8], 0, [0; 8], -60);
        assert_eq!(utc_offset_minutes(&tokyo, Timestamp(0)), 540);
        let sydney = zone(-600, [0, 4, 0, 1, 3, 0, 0, 0], 0, [0, 10, 0, 1, 2, 0, 0, 0], -60);
        assert_eq!(utc_offset_minutes(&sydney, Timestamp::from_parts(1_704_067_200, 0)), 660);
        assert_eq!(utc_offset_minutes(&sydney, Timestamp::from_parts(1_719_792_000, 0)), 600);
    }

    #[test]
    fn nonsense_is_zero_and_ends() {
        // Biases of -1 minute, changes in month 65535: clamped.
        assert!(utc_offset_minutes(&[0xFF; 172], Timestamp(i64::MAX)).abs() <= 2);
        // A bias of millenia is not believed.
        assert_eq!(utc_offset_minutes(&[0x7F; 172], Timestamp(0)), 0);
        for len in 0..172 {
            utc_offset_minutes(&vec![7; len], Timestamp(i64::MIN));
        }
        utc_offset_minutes(&[1; 172], Timestamp(i64::MIN));
    }
}
