//! Text to dates and times.

use std::str::FromStr;

use super::{Date, DateTime, Fraction, InvalidTemporal, Offset, Time, days_in_month};

/// The part of a text that is not read yet.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn take(&mut self, expected: char) -> bool {
        match self.0.strip_prefix(expected) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn digits(&mut self, count: usize) -> Result<u16, InvalidTemporal> {
        let (digits, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(InvalidTemporal::Form)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidTemporal::Form);
        }
        self.0 = rest;
        digits.parse().map_err(|_| InvalidTemporal::Form)
    }

    /// Two digits up to `max`.
    fn pair(&mut self, max: u8, error: InvalidTemporal) -> Result<u8, InvalidTemporal> {
        let value = u8::try_from(self.digits(2)?).map_err(|_| InvalidTemporal::Form)?;
        if value > max { Err(error) } else { Ok(value) }
    }

    fn date(&mut self) -> Result<Date, InvalidTemporal> {
        let year = self.digits(4)?;
        if year == 0 {
            return Err(InvalidTemporal::Year);
        }
        let (mut month, mut day) = (0, 0);
        if self.take('-') {
            month = self.pair(12, InvalidTemporal::Month)?;
            if month == 0 {
                return Err(InvalidTemporal::Month);
            }
            if self.take('-') {
                day = self.pair(days_in_month(year, month), InvalidTemporal::Day)?;
                if day == 0 {
                    return Err(InvalidTemporal::Day);
                }
            }
        }
        Ok(Date { year, month, day })
    }

    fn time(&mut self) -> Result<Time, InvalidTemporal> {
        let mut time = Time {
            hour: self.pair(23, InvalidTemporal::TimeOfDay)?,
            minute: None,
            second: None,
            fraction: None,
        };
        if self.take(':') {
            time.minute = Some(self.pair(59, InvalidTemporal::TimeOfDay)?);
            if self.take(':') {
                time.second = Some(self.pair(59, InvalidTemporal::TimeOfDay)?);
                if self.take('.') {
                    time.fraction = Some(self.fraction()?);
                }
            }
        }
        Ok(time)
    }

    fn fraction(&mut self) -> Result<Fraction, InvalidTemporal> {
        let rest = self.0.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = self.0.strip_suffix(rest).unwrap_or_default();
        self.0 = rest;
        match digits.len() {
            0 => Err(InvalidTemporal::Form),
            1..=18 => Ok(Fraction {
                value: digits.parse().map_err(|_| InvalidTemporal::Fraction)?,
                scale: u8::try_from(digits.len()).map_err(|_| InvalidTemporal::Fraction)?,
            }),
            _ => Err(InvalidTemporal::Fraction),
        }
    }

    fn offset(&mut self) -> Result<Option<Offset>, InvalidTemporal> {
        if self.take('Z') {
            return Ok(Some(Offset { minutes: 0 }));
        }
        let sign = if self.take('+') {
            1
        } else if self.take('-') {
            -1
        } else {
            return Ok(None);
        };
        let hours = i16::from(self.pair(14, InvalidTemporal::Offset)?);
        if !self.take(':') {
            return Err(InvalidTemporal::Form);
        }
        let minutes = hours * 60 + i16::from(self.pair(59, InvalidTemporal::Offset)?);
        if minutes > 14 * 60 {
            return Err(InvalidTemporal::Offset);
        }
        Ok(Some(Offset {
            minutes: sign * minutes,
        }))
    }

    fn end(&self) -> Result<(), InvalidTemporal> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(InvalidTemporal::Form)
        }
    }
}

/// A time literal's text without `@T`. Its offset is not part of the language's Time; see
/// [`Literal::OffsetTime`](crate::Literal::OffsetTime).
pub(crate) fn time_and_offset(text: &str) -> Result<(Time, Option<Offset>), InvalidTemporal> {
    let mut reader = Reader(text);
    let time = reader.time()?;
    let offset = reader.offset()?;
    reader.end()?;
    Ok((time, offset))
}

impl FromStr for Date {
    type Err = InvalidTemporal;

    /// Reads `2015`, `2015-02` or `2015-02-04`, without `@`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut reader = Reader(text);
        let date = reader.date()?;
        match reader.offset() {
            Ok(Some(_)) if reader.end().is_ok() => Err(InvalidTemporal::OffsetWithoutTime),
            _ => reader.end().map(|()| date),
        }
    }
}

impl FromStr for Time {
    type Err = InvalidTemporal;

    /// Reads `14`, `14:34`, `14:34:28` or `14:34:28.123`, without `@T`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut reader = Reader(text);
        let time = reader.time()?;
        reader.end()?;
        Ok(time)
    }
}

impl FromStr for DateTime {
    type Err = InvalidTemporal;

    /// Reads a date, optionally followed by `T`, a time and an offset, without `@`. The `T` that tells a partial
    /// DateTime literal from a Date may be left out.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut reader = Reader(text);
        let date = reader.date()?;
        let mut time = None;
        if reader.take('T') && reader.0.starts_with(|c: char| c.is_ascii_digit()) {
            if date.day == 0 {
                return Err(InvalidTemporal::Form);
            }
            time = Some(reader.time()?);
        }
        let offset = reader.offset()?;
        reader.end()?;
        if offset.is_some() && time.is_none() {
            return Err(InvalidTemporal::OffsetWithoutTime);
        }
        Ok(Self { date, time, offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_precision_and_digits() {
        for text in [
            "2015T",
            "2015-02T",
            "2015-02-04T",
            "2015-02-04T14",
            "2015-02-04T14:34",
            "2015-02-04T14:34:28",
            "2015-02-04T14:34:28.120",
            "2015-02-04T14:34:28.000000000000000001-03:30",
            "2000-02-29T00Z",
            "0001-12-31T23:59:59.9+14:00",
        ] {
            assert_eq!(text.parse::<DateTime>().unwrap().to_string(), text);
        }
        assert_eq!("2015-02".parse::<DateTime>(), "2015-02T".parse());
        assert_eq!(
            "2015-02-04T14+00:00".parse::<DateTime>(),
            "2015-02-04T14Z".parse()
        );
        for text in ["2015", "2015-02", "2016-02-29"] {
            assert_eq!(text.parse::<Date>().unwrap().to_string(), text);
        }
        assert_eq!(
            "14:34:28.10".parse::<Time>().unwrap().fraction(),
            Some(Fraction {
                value: 10,
                scale: 2
            })
        );
    }

    #[test]
    fn refuses_what_no_calendar_has() {
        use InvalidTemporal as E;
        for (text, error) in [
            ("", E::Form),
            ("201", E::Form),
            ("+015", E::Form),
            ("20ä", E::Form),
            ("2015-1", E::Form),
            ("2015-02-04T14:3", E::Form),
            ("2015-02-04T14:34:28.", E::Form),
            ("2015T10", E::Form),
            ("2015-02-04T14+0100", E::Form),
            ("2015-02-04 ", E::Form),
            ("0000", E::Year),
            ("2015-00", E::Month),
            ("2015-13", E::Month),
            ("2015-02-29", E::Day),
            ("1900-02-29", E::Day),
            ("2015-04-31", E::Day),
            ("2015-04-00", E::Day),
            ("2015-02-04T24", E::TimeOfDay),
            ("2015-02-04T23:60", E::TimeOfDay),
            ("2015-02-04T23:59:60", E::TimeOfDay),
            ("2015-02-04T23:59:59.1234567890123456789", E::Fraction),
            ("2015-02-04T23+14:01", E::Offset),
            ("2015-02-04T23+15:00", E::Offset),
            ("2015-02-04TZ", E::OffsetWithoutTime),
            ("2015Z", E::OffsetWithoutTime),
        ] {
            assert_eq!(text.parse::<DateTime>(), Err(error), "{text}");
        }
        assert_eq!("2015Z".parse::<Date>(), Err(E::OffsetWithoutTime));
        assert_eq!("2015T".parse::<Date>(), Err(E::Form));
        assert_eq!("14:34Z".parse::<Time>(), Err(E::Form));
    }
}
