//! Dates and times moved by calendar durations (N1 §6.7).
//!
//! Years and months move along the calendar, the last day of a month standing for days that it does not have. A value
//! without the part that would move takes what the duration makes in its own smallest part: 24 months are 2 years,
//! 36 hours are 1 day, 30 days are 1 month, 365 days are 1 year, what is left over is dropped. Decimals of a duration
//! count for seconds and milliseconds only.

use bigdecimal::RoundingMode;
use chrono::{Datelike as _, Months, NaiveDate};

use super::{Date, DateTime, Fraction, Time};
use crate::literal::CalendarUnit;
use crate::value::Decimal;

/// The digits of a second that are counted.
const DIGITS: u32 = 18;
const SECOND: i128 = 10_i128.pow(DIGITS);
const MINUTE: i128 = 60 * SECOND;
const HOUR: i128 = 60 * MINUTE;
const DAY: i128 = 24 * HOUR;
const MONTH: i128 = 30 * DAY;
const YEAR: i128 = 365 * DAY;

/// A duration, taken apart.
#[derive(Clone, Copy)]
enum Duration {
    Months(i128),
    /// In units of 10⁻¹⁸ seconds, and the digits of a second that it shows.
    Exact(i128, u8),
}

impl Duration {
    /// `None` where it is longer than anything that has a date.
    fn new(amount: &Decimal, unit: CalendarUnit) -> Option<Self> {
        let times = |length: i128| {
            let exact = amount.units(0)?.checked_mul(length)?;
            Some(Self::Exact(exact, 0))
        };
        match unit {
            CalendarUnit::Year => Some(Self::Months(amount.units(0)?.checked_mul(12)?)),
            CalendarUnit::Month => Some(Self::Months(amount.units(0)?)),
            CalendarUnit::Week => times(7 * DAY),
            CalendarUnit::Day => times(DAY),
            CalendarUnit::Hour => times(HOUR),
            CalendarUnit::Minute => times(MINUTE),
            CalendarUnit::Second => Self::fine(amount, 0),
            CalendarUnit::Millisecond => Self::fine(amount, 3),
        }
    }

    /// An amount of units of 10 to the power of `-finer` seconds.
    fn fine(amount: &Decimal, finer: u32) -> Option<Self> {
        let counted = DIGITS.checked_sub(finer)?;
        let amount = amount.round(counted, RoundingMode::Down)?.normalized();
        let digits = u8::try_from(amount.scale().checked_add(finer)?).ok()?;
        Some(Self::Exact(amount.units(counted)?, digits))
    }
}

impl Date {
    /// The date that lies so much later, or earlier for a negative amount; `None` outside of years 1 to 9999.
    pub(crate) fn plus(self, amount: &Decimal, unit: CalendarUnit) -> Option<Self> {
        self.moved(Duration::new(amount, unit)?)
    }

    fn moved(self, duration: Duration) -> Option<Self> {
        match (duration, self.month, self.day) {
            (Duration::Months(months), 0, _) => self.plus_months(months / 12 * 12),
            (Duration::Months(months), ..) => self.plus_months(months),
            (Duration::Exact(time, _), 0, _) => self.plus_months((time / YEAR).checked_mul(12)?),
            (Duration::Exact(time, _), _, 0) => self.plus_months(time / MONTH),
            (Duration::Exact(time, _), ..) => self.plus_days(time / DAY),
        }
    }

    /// Keeps the parts that are given.
    fn plus_months(self, months: i128) -> Option<Self> {
        let count = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
        let first = self.first_day()?;
        let moved = if months < 0 {
            first.checked_sub_months(count)?
        } else {
            first.checked_add_months(count)?
        };
        let moved = Self::from_chrono(moved)?;
        Self::new(
            moved.year,
            self.month().and(moved.month()),
            self.day().and(moved.day()),
        )
    }

    fn plus_days(self, days: i128) -> Option<Self> {
        let day = i128::from(self.first_day()?.num_days_from_ce());
        let moved = i32::try_from(day.checked_add(days)?).ok()?;
        Self::from_chrono(NaiveDate::from_num_days_from_ce_opt(moved)?)
    }
}

impl Time {
    /// The time of day so much later, or earlier for a negative amount: after the last one of a day comes the first.
    /// `None` only for years and months, and for amounts beyond every calendar.
    pub(crate) fn plus(self, amount: &Decimal, unit: CalendarUnit) -> Option<Self> {
        match Duration::new(amount, unit)? {
            Duration::Months(_) => None,
            Duration::Exact(time, digits) => Some(self.moved(time, digits)?.1),
        }
    }

    /// The time of day, and how many days later it is.
    fn moved(self, time: i128, digits: u8) -> Option<(i128, Self)> {
        // What is left over of the smallest part is dropped.
        let smallest = match (self.minute, self.second) {
            (None, _) => HOUR,
            (Some(_), None) => MINUTE,
            (Some(_), Some(_)) => 1,
        };
        let moved = (time / smallest * smallest).checked_add(self.since_midnight())?;
        let (days, rest) = (moved.div_euclid(DAY), moved.rem_euclid(DAY));
        let digits = self
            .fraction
            .map_or(0, |fraction| fraction.scale)
            .max(digits);
        let part = |length: i128, count: i128| u8::try_from(rest / length % count).ok();
        let fraction = match (self.second, u32::from(digits)) {
            (None, _) | (_, 0) => None,
            (Some(_), shown) => {
                let unit = 10_i128.checked_pow(DIGITS.checked_sub(shown)?)?;
                Fraction::new(u64::try_from(rest % SECOND / unit).ok()?, digits)
            }
        };
        let time = Self::new(
            part(HOUR, 24)?,
            self.minute.and(part(MINUTE, 60)),
            self.second.and(part(SECOND, 60)),
            fraction,
        )?;
        Some((days, time))
    }

    fn since_midnight(self) -> i128 {
        i128::from(self.hour) * HOUR
            + i128::from(self.minute.unwrap_or(0)) * MINUTE
            + i128::from(self.second.unwrap_or(0)) * SECOND
            + i128::from(self.fraction.map_or(0, Fraction::attoseconds))
    }
}

impl DateTime {
    /// The moment so much later, or earlier for a negative amount, with the same offset; `None` outside of years 1 to
    /// 9999.
    pub(crate) fn plus(self, amount: &Decimal, unit: CalendarUnit) -> Option<Self> {
        let (date, time) = match (Duration::new(amount, unit)?, self.time) {
            (Duration::Exact(exact, digits), Some(time)) => {
                let (days, time) = time.moved(exact, digits)?;
                (self.date.plus_days(days)?, Some(time))
            }
            (duration, time) => (self.date.moved(duration)?, time),
        };
        Self::new(date, time, self.offset)
    }
}
