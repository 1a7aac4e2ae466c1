//! What a value of limited precision may stand for at least and at most: `lowBoundary`, `highBoundary`, `precision`,
//! `comparable` (FHIRPath 3.0, §5.9).
//!
//! A precision counts decimals for numbers and quantities, and digits for the others: 4, 6 and 8 for a date; 10, 12
//! and 14 with hours, minutes and seconds, and up to 17 with milliseconds for a dateTime; 2, 4, 6 and up to 9 for a
//! time. A precision that a type does not have gives the empty collection.
//!
//! HL7's suite and the text of the specification disagree on `@2014-01-01T08.highBoundary(17)`. It is
//! `@2014-01-01T08:59:59.999-12:00` here, as in the specification: the minute is not known, so it may be 59.

use bigdecimal::RoundingMode;

use super::{Call, Value, count};
use crate::temporal::{Date, DateTime, Fraction, Offset, Time, days_in_month};
use crate::value::{Decimal, Quantity, Scalar};

/// Most decimals of a boundary: with more digits than this the language promises nothing.
const MAX_DECIMALS: u32 = 28;

/// Decimals of a boundary at least, unless others are asked for.
const DECIMALS: u32 = 8;

const DATE_DIGITS: u32 = 8;
const DATE_TIME_DIGITS: u32 = 17;
const TIME_DIGITS: u32 = 9;

/// The first and the last offset from UTC in use: where a moment without offset is first and last, in minutes.
const OFFSETS: (i16, i16) = (14 * 60, -12 * 60);

#[derive(Clone, Copy)]
enum End {
    Low,
    High,
}

impl End {
    fn of<T>(self, (low, high): (T, T)) -> T {
        match self {
            Self::Low => low,
            Self::High => high,
        }
    }
}

pub(super) fn low<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    boundary(call, End::Low)
}

pub(super) fn high<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    boundary(call, End::High)
}

fn boundary<'a>(call: &Call<'_, 'a>, end: End) -> Value<'a> {
    let asked = match call.integer_argument(0, "an integer as its precision")? {
        None => None,
        Some(precision) => match u32::try_from(precision) {
            Ok(precision) => Some(precision),
            Err(_) => return Ok(None),
        },
    };
    Ok(match call.input {
        Scalar::Integer(value) => {
            decimal(&Decimal::from_i64(*value), asked, end).map(Scalar::Decimal)
        }
        Scalar::Decimal(value) => decimal(value, asked, end).map(Scalar::Decimal),
        Scalar::Quantity(quantity) => decimal(&quantity.value, asked, end).map(|value| {
            Scalar::Quantity(Box::new(Quantity {
                value,
                unit: quantity.unit.clone(),
            }))
        }),
        Scalar::Date(value) => date(*value, asked.unwrap_or(DATE_DIGITS), end).map(Scalar::Date),
        Scalar::DateTime(value) => {
            date_time(*value, asked.unwrap_or(DATE_TIME_DIGITS), end).map(Scalar::DateTime)
        }
        Scalar::Time(value) => time(*value, asked.unwrap_or(TIME_DIGITS), end).map(Scalar::Time),
        Scalar::Boolean(_) | Scalar::String(_) => return Err(call.wrong_input()),
    })
}

/// Half a unit of the last digit to either side. Fewer decimals than that takes round outwards, so that the boundary
/// stays one; except, as the suite has it, where all that the number may stand for is nearest to zero: that is zero.
fn decimal(value: &Decimal, asked: Option<u32>, end: End) -> Option<Decimal> {
    let exact = value.scale().saturating_add(1);
    let decimals = asked.unwrap_or(exact.clamp(DECIMALS, MAX_DECIMALS));
    if decimals > MAX_DECIMALS {
        return None;
    }
    let half = Decimal::from_parts(5, exact)?;
    let boundary = end.of((value.subtract(&half), value.add(&half)))?;
    let farthest = value.abs().add(&half)?;
    if decimals < exact && farthest < Decimal::from_parts(5, decimals + 1)? {
        return Decimal::from_parts(0, decimals);
    }
    let mode = end.of((RoundingMode::Floor, RoundingMode::Ceiling));
    boundary.round(decimals, mode)
}

fn date(value: Date, digits: u32, end: End) -> Option<Date> {
    let year = value.year();
    let month = value.month().unwrap_or(end.of((1, 12)));
    let day = || {
        let last = days_in_month(year, month);
        value.day().unwrap_or(end.of((1, last)))
    };
    match digits {
        4 => Date::new(year, None, None),
        6 => Date::new(year, Some(month), None),
        8 => Date::new(year, Some(month), Some(day())),
        _ => None,
    }
}

fn date_time(value: DateTime, digits: u32, end: End) -> Option<DateTime> {
    if digits <= DATE_DIGITS {
        return date(value.date(), digits, end).map(DateTime::from);
    }
    let unknown = Time::new(end.of((0, 23)), None, None, None)?;
    let offset = match value.offset() {
        Some(offset) => offset,
        None => Offset::new(end.of(OFFSETS))?,
    };
    DateTime::new(
        date(value.date(), DATE_DIGITS, end)?,
        Some(time(
            value.time().unwrap_or(unknown),
            digits - DATE_DIGITS,
            end,
        )?),
        Some(offset),
    )
}

fn time(value: Time, digits: u32, end: End) -> Option<Time> {
    let hour = value.hour();
    let sixty = end.of((0, 59));
    let minute = Some(value.minute().unwrap_or(sixty));
    let second = Some(value.second().unwrap_or(sixty));
    match digits {
        2 => Time::new(hour, None, None, None),
        4 => Time::new(hour, minute, None, None),
        6 => Time::new(hour, minute, second, None),
        7..=TIME_DIGITS => {
            let scale = u8::try_from(digits - 6).ok()?;
            Time::new(hour, minute, second, fraction(value.fraction(), scale, end))
        }
        _ => None,
    }
}

/// So many digits after the point of a second: the first ones that are given, and the least or greatest for the others.
fn fraction(value: Option<Fraction>, scale: u8, end: End) -> Option<Fraction> {
    let given = value.map_or((0, 0), |fraction| (fraction.value, fraction.scale));
    let digit = end.of((0, 9));
    let (mut value, mut digits) = given;
    while digits > scale {
        value /= 10;
        digits -= 1;
    }
    while digits < scale {
        value = value * 10 + digit;
        digits += 1;
    }
    Fraction::new(value, scale)
}

pub(super) fn precision<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let date = |date: Date| {
        4 + 2 * usize::from(date.month().is_some()) + 2 * usize::from(date.day().is_some())
    };
    let time = |time: Time| {
        2 + 2 * usize::from(time.minute().is_some())
            + 2 * usize::from(time.second().is_some())
            + time.fraction().map_or(0, |fraction| fraction.scale.into())
    };
    let digits = match call.input {
        Scalar::Integer(_) => 0,
        Scalar::Decimal(value) => value.scale() as usize,
        Scalar::Date(value) => date(*value),
        Scalar::DateTime(value) => date(value.date()) + value.time().map_or(0, time),
        Scalar::Time(value) => time(*value),
        Scalar::Boolean(_) | Scalar::String(_) | Scalar::Quantity(_) => {
            return Err(call.wrong_input());
        }
    };
    Ok(count(digits))
}

/// Whether two quantities have the same dimension; `false` where a unit is unknown.
pub(super) fn comparable<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let left = quantity(call.input).ok_or_else(|| call.wrong_input())?;
    let right = call.args.first().and_then(quantity);
    let right = right.ok_or_else(|| call.wrong_argument("a quantity as its argument"))?;
    call.work.spend(left.cost().saturating_add(right.cost()))?;
    Ok(Some(Scalar::Boolean(left.is_comparable(&right))))
}

/// A number is implicitly a quantity with the unit `'1'`.
fn quantity(value: &Scalar<'_>) -> Option<Quantity> {
    match value {
        Scalar::Quantity(value) => Some((**value).clone()),
        Scalar::Integer(value) => Some(Quantity::plain(Decimal::from_i64(*value))),
        Scalar::Decimal(value) => Some(Quantity::plain(value.clone())),
        _ => None,
    }
}
