//! Order of dates and times of any precision (N1 §6.1, §6.2).
//!
//! A value stands for a stretch of time: `@2015` for a year, `@T14:34` for a minute. From the second on it is a point,
//! and the digits of a second count as a decimal. Two values are equal when they are the same stretch, one is before the
//! other when all of it is; whatever overlaps otherwise cannot be compared.

use std::cmp::Ordering;

use chrono::{Datelike as _, NaiveDate};

use super::{Date, DateTime, Time};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How far from UTC a clock may be.
const FARTHEST_OFFSET: i64 = 14 * HOUR;

/// From `seconds` and `attoseconds` on, for so many seconds; a point when there are none.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Stretch {
    seconds: i64,
    attoseconds: u64,
    length: i64,
}

impl Stretch {
    /// How this and `other` compare when each may lie up to `slack` seconds earlier or later.
    fn compare(self, other: Self, slack: i64) -> Option<Ordering> {
        if slack == 0 && self == other {
            return Some(Ordering::Equal);
        }
        if self.ends_before(other, slack) {
            return Some(Ordering::Less);
        }
        if other.ends_before(self, slack) {
            return Some(Ordering::Greater);
        }
        None
    }

    fn ends_before(self, other: Self, slack: i64) -> bool {
        // A stretch does not hold its end, a point is its own.
        let end = (self.seconds + self.length + slack, self.attoseconds);
        let start = (other.seconds, other.attoseconds);
        end < start || self.length > 0 && end == start
    }
}

impl Time {
    /// From midnight.
    fn stretch(self) -> Stretch {
        let length = match (self.minute, self.second) {
            (None, _) => HOUR,
            (Some(_), None) => MINUTE,
            (Some(_), Some(_)) => 0,
        };
        Stretch {
            seconds: i64::from(self.hour) * HOUR
                + i64::from(self.minute.unwrap_or(0)) * MINUTE
                + i64::from(self.second.unwrap_or(0)),
            attoseconds: self.fraction.map_or(0, super::Fraction::attoseconds),
            length,
        }
    }

    /// How two times of day compare; `None` where their precision does not tell.
    pub(crate) fn compare(self, other: Self) -> Option<Ordering> {
        self.stretch().compare(other.stretch(), 0)
    }

    /// The same for all times that are equal.
    pub(crate) fn bucket(self) -> impl std::hash::Hash {
        self.stretch()
    }
}

impl Date {
    /// From the first day of year 1.
    fn stretch(self) -> Option<Stretch> {
        let first = self.first_day()?;
        let next = match (self.month, self.day) {
            (0, _) => NaiveDate::from_ymd_opt(i32::from(self.year) + 1, 1, 1)?,
            (12, 0) => NaiveDate::from_ymd_opt(i32::from(self.year) + 1, 1, 1)?,
            (month, 0) => NaiveDate::from_ymd_opt(self.year.into(), u32::from(month) + 1, 1)?,
            _ => first.succ_opt()?,
        };
        let seconds = |day: NaiveDate| i64::from(day.num_days_from_ce()) * DAY;
        Some(Stretch {
            seconds: seconds(first),
            attoseconds: 0,
            length: seconds(next) - seconds(first),
        })
    }
}

impl DateTime {
    /// On the clock of the place, wherever that is.
    fn local(self) -> Option<Stretch> {
        let date = self.date.stretch()?;
        Some(match self.time.map(Time::stretch) {
            None => date,
            Some(time) => Stretch {
                seconds: date.seconds + time.seconds,
                ..time
            },
        })
    }

    /// On the clock of UTC, where an offset is given.
    fn universal(self) -> Option<Stretch> {
        let local = self.local()?;
        let offset = self.offset.map_or(0, |offset| i64::from(offset.minutes));
        Some(Stretch {
            seconds: local.seconds - offset * MINUTE,
            ..local
        })
    }

    /// How two values compare; `None` where their precision does not tell.
    ///
    /// Offsets from UTC count where both have one. Where only one has, and the other has a time of day, the other may be
    /// anywhere on earth: only values further than 14 hours apart compare. A value without a time of day is the same
    /// calendar day (month, year) for everybody: it compares with the date that the other shows.
    pub(crate) fn compare(self, other: Self) -> Option<Ordering> {
        if self.time.is_none() || other.time.is_none() {
            return self.local()?.compare(other.local()?, 0);
        }
        let slack = if self.offset.is_some() == other.offset.is_some() {
            0
        } else {
            FARTHEST_OFFSET
        };
        self.universal()?.compare(other.universal()?, slack)
    }

    /// The same for all values that are equal.
    pub(crate) fn bucket(self) -> impl std::hash::Hash {
        (self.offset.is_some(), self.universal())
    }
}
