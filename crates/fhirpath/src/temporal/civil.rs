//! Dates and times from numbers and from chrono's types.

use chrono::{Datelike as _, FixedOffset, NaiveDate, NaiveTime, Timelike as _};

use super::{Date, DateTime, Fraction, Offset, Time};

/// How many days a month from 1 to 12 has.
pub(crate) fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

impl Date {
    /// The date with as many parts as are given; `None` if no calendar has it, or a day comes without a month.
    pub(crate) fn new(year: u16, month: Option<u8>, day: Option<u8>) -> Option<Self> {
        let fits = (1..=9999).contains(&year)
            && month.is_none_or(|month| (1..=12).contains(&month))
            && day.is_none_or(|day| {
                month.is_some_and(|month| (1..=days_in_month(year, month)).contains(&day))
            });
        fits.then_some(Self {
            year,
            month: month.unwrap_or(0),
            day: day.unwrap_or(0),
        })
    }

    /// The complete date; `None` outside of years 1 to 9999.
    pub(crate) fn from_chrono(date: NaiveDate) -> Option<Self> {
        Self::new(
            u16::try_from(date.year()).ok()?,
            Some(u8::try_from(date.month()).ok()?),
            Some(u8::try_from(date.day()).ok()?),
        )
    }

    /// The first day that it may be.
    pub(crate) fn first_day(self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(
            self.year.into(),
            self.month.max(1).into(),
            self.day.max(1).into(),
        )
    }
}

impl Fraction {
    /// `value` divided by 10 to the power of `scale`; `None` unless that is below 1 and `scale` is 1 to 18.
    pub(crate) fn new(value: u64, scale: u8) -> Option<Self> {
        let fits = (1..=18).contains(&scale) && value < 10_u64.pow(scale.into());
        fits.then_some(Self { value, scale })
    }

    /// In units of 10⁻¹⁸ seconds.
    pub(crate) fn attoseconds(self) -> u64 {
        // The value has at most 18 digits.
        (0..18_u8.saturating_sub(self.scale)).fold(self.value, |value, _| value.saturating_mul(10))
    }
}

impl Time {
    /// The time of day with as many parts as are given; `None` if there is none such, or a part comes without the one
    /// before it.
    pub(crate) fn new(
        hour: u8,
        minute: Option<u8>,
        second: Option<u8>,
        fraction: Option<Fraction>,
    ) -> Option<Self> {
        let complete =
            (minute.is_some() || second.is_none()) && (second.is_some() || fraction.is_none());
        let fits = hour < 24
            && minute.is_none_or(|minute| minute < 60)
            && second.is_none_or(|second| second < 60);
        (complete && fits).then_some(Self {
            hour,
            minute,
            second,
            fraction,
        })
    }

    /// The time of day to the millisecond.
    pub(crate) fn from_chrono(time: NaiveTime) -> Option<Self> {
        // A leap second has 1,000 and more milliseconds; the language has no such second.
        let milliseconds = (time.nanosecond() / 1_000_000).min(999);
        Self::new(
            u8::try_from(time.hour()).ok()?,
            Some(u8::try_from(time.minute()).ok()?),
            Some(u8::try_from(time.second()).ok()?),
            Fraction::new(milliseconds.into(), 3),
        )
    }
}

impl Offset {
    /// The offset of so many minutes east of UTC; `None` beyond 14 hours.
    pub(crate) fn new(minutes: i16) -> Option<Self> {
        (-840..=840).contains(&minutes).then_some(Self { minutes })
    }
}

impl DateTime {
    /// The date with a time of day and an offset where given; `None` for a time with a partial date, or an offset
    /// without a time.
    pub(crate) fn new(date: Date, time: Option<Time>, offset: Option<Offset>) -> Option<Self> {
        let complete = (date.day > 0 || time.is_none()) && (time.is_some() || offset.is_none());
        complete.then_some(Self { date, time, offset })
    }

    /// The moment to the millisecond, in its own offset; `None` outside of years 1 to 9999 and offsets of 14 hours.
    pub(crate) fn from_chrono(moment: chrono::DateTime<FixedOffset>) -> Option<Self> {
        let offset = i16::try_from(moment.offset().local_minus_utc() / 60).ok()?;
        let local = moment.naive_utc().checked_add_offset(*moment.offset())?;
        Self::new(
            Date::from_chrono(local.date())?,
            Time::from_chrono(local.time()),
            Some(Offset::new(offset)?),
        )
    }
}

impl From<Date> for DateTime {
    /// The same date, without a time of day (N1 §5.5, implicit conversion).
    fn from(date: Date) -> Self {
        Self {
            date,
            time: None,
            offset: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_only_what_exists() {
        assert!(Date::new(2024, Some(2), Some(29)).is_some());
        for (year, month, day) in [
            (0, None, None),
            (10_000, None, None),
            (2024, Some(0), None),
            (2024, Some(13), None),
            (2024, Some(13), Some(1)),
            (2023, Some(2), Some(29)),
            (2023, Some(2), Some(0)),
            (2023, None, Some(1)),
        ] {
            assert_eq!(Date::new(year, month, day), None);
        }
        assert!(Time::new(23, Some(59), Some(59), Fraction::new(999, 3)).is_some());
        assert_eq!(Time::new(24, None, None, None), None);
        assert_eq!(Time::new(23, None, Some(1), None), None);
        assert_eq!(Time::new(23, Some(1), None, Fraction::new(1, 1)), None);
        assert_eq!(Time::new(23, Some(60), None, None), None);
        assert_eq!(Time::new(23, Some(1), Some(60), None), None);
        assert_eq!(Fraction::new(1_000, 3), None);
        assert_eq!(Fraction::new(0, 0), None);
        assert_eq!(Fraction::new(0, 19), None);
        assert_eq!(Offset::new(841), None);
        let (date, month) = (
            Date::new(2024, Some(2), Some(29)),
            Date::new(2024, Some(2), None),
        );
        let (time, offset) = (Time::new(0, None, None, None), Offset::new(0));
        assert!(DateTime::new(date.unwrap(), time, offset).is_some());
        assert_eq!(DateTime::new(month.unwrap(), time, None), None);
        assert_eq!(DateTime::new(date.unwrap(), None, offset), None);
    }

    #[test]
    fn shows_the_moment_in_its_offset() {
        let utc = chrono::DateTime::from_timestamp(1_423_060_468, 123_999_999).unwrap();
        for (hours, expected) in [
            (0, "2015-02-04T14:34:28.123Z"),
            (10, "2015-02-05T00:34:28.123+10:00"),
            (-14, "2015-02-04T00:34:28.123-14:00"),
        ] {
            let moment = utc.with_timezone(&FixedOffset::east_opt(hours * 3_600).unwrap());
            assert_eq!(DateTime::from_chrono(moment).unwrap().to_string(), expected);
        }
        let far = utc.with_timezone(&FixedOffset::east_opt(15 * 3_600).unwrap());
        assert_eq!(DateTime::from_chrono(far), None);
        let late = chrono::DateTime::<chrono::Utc>::MAX_UTC.fixed_offset();
        assert_eq!(DateTime::from_chrono(late), None);
        let leap = NaiveTime::from_hms_milli_opt(23, 59, 59, 1_500).unwrap();
        assert_eq!(Time::from_chrono(leap).unwrap().to_string(), "23:59:59.999");
    }
}
