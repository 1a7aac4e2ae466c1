//! Days as numbers, for data that must not depend on the clock.

/// A day, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub i64);

/// The day on which the clinic's data end: 2025-06-30.
pub const TODAY: Day = Day(20_269);

impl Day {
    /// `2025-06-30`.
    pub fn date(self) -> String {
        let (year, month, day) = self.civil();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// An instant on that day in UTC, `minute` minutes after midnight: `2025-06-30T09:15:00Z`.
    pub fn time(self, minute: i64) -> String {
        format!(
            "{}T{:02}:{:02}:00Z",
            self.date(),
            minute / 60 % 24,
            minute % 60
        )
    }

    /// The day some days earlier (or later, when negative).
    pub fn before(self, days: i64) -> Self {
        Self(self.0 - days)
    }

    /// Year, month and day in the Gregorian calendar: in years that begin on 1 March a leap day comes last, and 400
    /// years are a whole era of 146,097 days.
    fn civil(self) -> (i64, i64, i64) {
        let days = self.0 + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month, day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        assert_eq!(Day(0).date(), "1970-01-01");
        assert_eq!(Day(-1).date(), "1969-12-31");
        assert_eq!(Day(11_016).date(), "2000-02-29");
        assert_eq!(TODAY.date(), "2025-06-30");
        assert_eq!(TODAY.before(30).date(), "2025-05-31");
        assert_eq!(TODAY.time(9 * 60 + 15), "2025-06-30T09:15:00Z");
    }
}
