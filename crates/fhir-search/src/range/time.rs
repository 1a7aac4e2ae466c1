//! FHIR's dates and times as stretches of time, as precise as they are written.

use std::fmt;

use chrono::{Datelike, NaiveDate};

/// Days from the common era's first day to 2000-01-01, from which PostgreSQL counts.
const EPOCH_DAYS: i64 = 730_120;
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 1_440 * MINUTE;
/// A zone is at most so far from UTC.
const MOST_ZONE_MINUTES: i64 = 14 * 60;

/// A stretch of time: from `start` to just before `end`, in microseconds since 2000-01-01 UTC, as PostgreSQL's `timestamptz`
/// counts them. `i64::MIN` and `i64::MAX` are its infinities: open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first microsecond.
    pub start: i64,
    /// The first microsecond after it.
    pub end: i64,
}

impl Span {
    /// Reads `YYYY`, `YYYY-MM`, `YYYY-MM-DD` and that with `Thh:mm`, `Thh:mm:ss`, `Thh:mm:ss.f…`, then `Z`, `+hh:mm`, `-hh:mm` or no
    /// zone, which is UTC. Fractions are cut after the microseconds; second 60 is the first of the next minute.
    pub fn parse(text: &str) -> Option<Span> {
        let mut reader = Reader(text.as_bytes());
        let year = i32::try_from(reader.digits(4)?).ok()?;
        if year == 0 {
            return None;
        }
        if reader.is_done() {
            return Some(Span {
                start: day(year, 1, 1)?,
                end: day(year.checked_add(1)?, 1, 1)?,
            });
        }
        reader.expect(b'-')?;
        let month = u32::try_from(reader.digits(2)?).ok()?;
        if reader.is_done() {
            let (next_year, next) = if month == 12 {
                (year.checked_add(1)?, 1)
            } else {
                (year, month.checked_add(1)?)
            };
            return Some(Span {
                start: day(year, month, 1)?,
                end: day(next_year, next, 1)?,
            });
        }
        reader.expect(b'-')?;
        let midnight = day(year, month, u32::try_from(reader.digits(2)?).ok()?)?;
        if reader.is_done() {
            return Some(Span {
                start: midnight,
                end: midnight.checked_add(DAY)?,
            });
        }
        reader.expect(b'T')?;
        let (since_midnight, length) = reader.time()?;
        let start = midnight
            .checked_add(since_midnight)?
            .checked_sub(reader.zone()?)?;
        reader.is_done().then_some(Span {
            start,
            end: start.checked_add(length)?,
        })
    }
}

/// Writes microseconds since 2000-01-01 UTC as PostgreSQL reads a `timestamptz`: `2013-01-14 10:00:00+00`.
pub fn write_time(f: &mut fmt::Formatter<'_>, at: i64) -> fmt::Result {
    let (days, rest) = (at.div_euclid(DAY), at.rem_euclid(DAY));
    let date = i32::try_from(days.saturating_add(EPOCH_DAYS))
        .ok()
        .and_then(NaiveDate::from_num_days_from_ce_opt);
    match (at, date) {
        (i64::MIN, _) => return f.write_str("-infinity"),
        (i64::MAX, _) | (_, None) => return f.write_str("infinity"),
        (_, Some(date)) => {
            // PostgreSQL has no year 0: it is 1 BC.
            let (_, year) = date.year_ce();
            write!(f, "{year:04}-{:02}-{:02}", date.month(), date.day())?;
        }
    }
    let seconds = rest / SECOND;
    write!(
        f,
        " {:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )?;
    match rest % SECOND {
        0 => {}
        fraction => write!(f, ".{fraction:06}")?,
    }
    f.write_str("+00")?;
    match date {
        Some(date) if !date.year_ce().0 => f.write_str(" BC"),
        _ => Ok(()),
    }
}

/// The first microsecond of a day.
fn day(year: i32, month: u32, day: u32) -> Option<i64> {
    let days = NaiveDate::from_ymd_opt(year, month, day)?.num_days_from_ce();
    i64::from(days).checked_sub(EPOCH_DAYS)?.checked_mul(DAY)
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    fn digit(&mut self) -> Option<i64> {
        let (first, rest) = self.0.split_first()?;
        let digit = char::from(*first).to_digit(10)?;
        self.0 = rest;
        Some(i64::from(digit))
    }

    /// A number of exactly so many digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        (0..count).try_fold(0_i64, |number, _| {
            number.checked_mul(10)?.checked_add(self.digit()?)
        })
    }

    /// A number of two digits, at most `most`.
    fn pair(&mut self, most: i64) -> Option<i64> {
        self.digits(2).filter(|number| *number <= most)
    }

    /// `hh:mm[:ss[.f…]]`: microseconds since midnight, and how many the text leaves open.
    fn time(&mut self) -> Option<(i64, i64)> {
        let hours = self.pair(23)?;
        self.expect(b':')?;
        let minutes = self.pair(59)?;
        let start = hours.checked_mul(60)?.checked_add(minutes)? * MINUTE;
        if !self.take(b':') {
            return Some((start, MINUTE));
        }
        let start = self.pair(60)?.checked_mul(SECOND)?.checked_add(start)?;
        if !self.take(b'.') {
            return Some((start, SECOND));
        }
        let mut unit = SECOND / 10;
        let mut fraction = self.digit()? * unit;
        while let Some(digit) = self.digit() {
            unit = if unit > 1 { unit / 10 } else { 0 };
            fraction = fraction.checked_add(digit.checked_mul(unit)?)?;
            if unit == 0 {
                break;
            }
        }
        while self.digit().is_some() {}
        Some((start.checked_add(fraction)?, unit.max(1)))
    }

    /// The zone's distance from UTC, in microseconds.
    fn zone(&mut self) -> Option<i64> {
        if self.is_done() || self.take(b'Z') {
            return Some(0);
        }
        let sign = if self.take(b'+') {
            1
        } else {
            self.expect(b'-')?;
            -1
        };
        let hours = self.pair(14)?;
        self.expect(b':')?;
        let minutes = hours.checked_mul(60)?.checked_add(self.pair(59)?)?;
        (minutes <= MOST_ZONE_MINUTES).then_some(())?;
        minutes.checked_mul(sign * MINUTE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> (i64, i64) {
        let span = Span::parse(text).unwrap();
        (span.start, span.end)
    }

    #[test]
    fn precision() {
        assert_eq!(span("2000"), (0, 366 * DAY));
        assert_eq!(span("2000-02"), (31 * DAY, 60 * DAY));
        assert_eq!(span("1999-12"), (-31 * DAY, 0));
        assert_eq!(span("2000-01-02"), (DAY, 2 * DAY));
        assert_eq!(span("2000-01-01T00:01"), (MINUTE, 2 * MINUTE));
        assert_eq!(span("2000-01-01T00:00:01Z"), (SECOND, 2 * SECOND));
        assert_eq!(span("2000-01-01T00:00:00.5"), (500_000, 600_000));
        assert_eq!(span("2000-01-01T00:00:00.250Z"), (250_000, 251_000));
        assert_eq!(span("2000-01-01T00:00:00.000001Z"), (1, 2));
        assert_eq!(span("2000-01-01T00:00:00.0000019999Z"), (1, 2));
        assert_eq!(span("2000-01-01T02:00:00+02:00"), (0, SECOND));
        assert_eq!(
            span("1999-12-31T23:59:60-05:30"),
            (330 * MINUTE, 330 * MINUTE + SECOND)
        );
        assert_eq!(span("0001-01-01").0, -EPOCH_DAYS * DAY + DAY);
        assert!(Span::parse("9999").is_some());
    }

    #[test]
    fn as_postgresql_reads_it() {
        struct Written(i64);
        impl fmt::Display for Written {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_time(f, self.0)
            }
        }
        for (at, expected) in [
            (0, "2000-01-01 00:00:00+00"),
            (-1, "1999-12-31 23:59:59.999999+00"),
            (
                span("2013-01-14T10:00:05.5Z").0,
                "2013-01-14 10:00:05.500000+00",
            ),
            (span("0001").0, "0001-01-01 00:00:00+00"),
            (span("9999").1, "10000-01-01 00:00:00+00"),
            (
                span("0001-01-01T00:00:00+14:00").0,
                "0001-12-31 10:00:00+00 BC",
            ),
            (i64::MIN, "-infinity"),
            (i64::MAX, "infinity"),
        ] {
            assert_eq!(Written(at).to_string(), expected);
        }
    }

    #[test]
    fn malformed() {
        for text in [
            "",
            "1990-13",
            "1990-13-45",
            "1990-02-30",
            "1990-2-3",
            "0000",
            "90",
            "19901",
            "1990-",
            "1990-01-01T",
            "1990-01-01T10",
            "1990-01-01T24:00",
            "1990-01-01T10:60",
            "1990-01-01T10:00:61",
            "1990-01-01T10:00:00.",
            "1990-01-01T10:00:00z",
            "1990-01-01T10:00:00+5",
            "1990-01-01T10:00:00+15:00",
            "1990-01-01T10:00:00+14:01",
            "1990-01-01 10:00:00",
            "soon",
            "1990-01-01T10:00:00ZZ",
            " 1990",
            "1990 ",
            "１９９０",
            "+1990",
            "-1990",
        ] {
            assert_eq!(Span::parse(text), None, "{text:?}");
        }
    }
}
