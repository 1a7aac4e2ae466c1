//! Dates and times of any precision (N1 §4.1.5 to §4.1.7), as they are written.
//!
//! The types hold only what exists in the calendar. Equality and hashing are structural: `@2015` differs from
//! `@2015-01`. The comparison of the language, which may answer "unknown", is another one.

mod arithmetic;
mod civil;
mod compare;
mod read;

use std::fmt;

use thiserror::Error;

pub(crate) use civil::days_in_month;
pub(crate) use read::time_and_offset;

/// A date that may lack its day, or day and month. Years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Date {
    year: u16,
    /// 0 means not given.
    month: u8,
    /// 0 means not given; given only with the month.
    day: u8,
}

/// A time of day that may lack its seconds, or seconds and minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Time {
    hour: u8,
    minute: Option<u8>,
    second: Option<u8>,
    fraction: Option<Fraction>,
}

/// The digits after the decimal point of a second, exactly as written: `.120` is not `.12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fraction {
    /// The digits as a number; below 10 to the power of `scale`.
    pub value: u64,
    /// How many digits, 1 to 18.
    pub scale: u8,
}

/// A date with an optional time of day and an optional offset from UTC; a time only with a full date, an offset only
/// with a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    date: Date,
    time: Option<Time>,
    offset: Option<Offset>,
}

/// An offset from UTC between -14:00 and +14:00. `Z`, `+00:00` and `-00:00` are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Offset {
    minutes: i16,
}

/// Why a text is no date or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTemporal {
    /// Not digits and separators in the right order.
    #[error("it does not have the form YYYY-MM-DDThh:mm:ss.fff+hh:mm")]
    Form,
    /// Year 0000.
    #[error("there is no year 0000")]
    Year,
    /// Month 00 or above 12.
    #[error("there is no such month")]
    Month,
    /// Day 00 or one that the month does not have.
    #[error("the month has no such day")]
    Day,
    /// Hour above 23, minute or second above 59.
    #[error("there is no such time of day")]
    TimeOfDay,
    /// More than 18 digits after the decimal point of a second.
    #[error("a second has at most 18 decimal places")]
    Fraction,
    /// An offset beyond 14 hours, or with more than 59 minutes.
    #[error("there is no such offset from UTC")]
    Offset,
    /// An offset where no time of day is given.
    #[error("an offset from UTC needs a time of day")]
    OffsetWithoutTime,
}

impl Date {
    /// The year, 1 to 9999.
    #[must_use]
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12, where given.
    #[must_use]
    pub fn month(self) -> Option<u8> {
        (self.month > 0).then_some(self.month)
    }

    /// The day of the month, where given; then the month is given too.
    #[must_use]
    pub fn day(self) -> Option<u8> {
        (self.day > 0).then_some(self.day)
    }
}

impl Time {
    /// The hour, 0 to 23.
    #[must_use]
    pub fn hour(self) -> u8 {
        self.hour
    }

    /// The minute, 0 to 59, where given.
    #[must_use]
    pub fn minute(self) -> Option<u8> {
        self.minute
    }

    /// The second, 0 to 59, where given; then the minute is given too.
    #[must_use]
    pub fn second(self) -> Option<u8> {
        self.second
    }

    /// The fraction of the second, where given; then the second is given too.
    #[must_use]
    pub fn fraction(self) -> Option<Fraction> {
        self.fraction
    }
}

impl DateTime {
    /// The date.
    #[must_use]
    pub fn date(self) -> Date {
        self.date
    }

    /// The time of day, where given; then the date is complete.
    #[must_use]
    pub fn time(self) -> Option<Time> {
        self.time
    }

    /// The offset from UTC, where given; then a time is given too.
    #[must_use]
    pub fn offset(self) -> Option<Offset> {
        self.offset
    }
}

impl Offset {
    /// Minutes east of UTC, -840 to 840.
    #[must_use]
    pub fn minutes(self) -> i16 {
        self.minutes
    }
}

impl fmt::Display for Date {
    /// `2015-02-04`, without `@`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        for part in [self.month(), self.day()].into_iter().flatten() {
            write!(f, "-{part:02}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Time {
    /// `14:34:28.123`, without `@T`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.hour)?;
        for part in [self.minute, self.second].into_iter().flatten() {
            write!(f, ":{part:02}")?;
        }
        if let Some(Fraction { value, scale }) = self.fraction {
            write!(f, ".{value:0width$}", width = usize::from(scale))?;
        }
        Ok(())
    }
}

impl fmt::Display for DateTime {
    /// `2015-02-04T14:34:28Z`, without `@`; always with the `T`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T", self.date)?;
        if let Some(time) = self.time {
            write!(f, "{time}")?;
        }
        if let Some(offset) = self.offset {
            write!(f, "{offset}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Offset {
    /// `Z`, `+10:00` or `-03:30`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.minutes == 0 {
            return f.write_str("Z");
        }
        let sign = if self.minutes < 0 { '-' } else { '+' };
        let minutes = self.minutes.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}
