//! Conversions (N1 §5.5). What cannot be converted gives the empty collection, never an error.

use super::{Call, Value, make_text};
use crate::eval::Fault;
use crate::literal::{CalendarUnit, Unit};
use crate::temporal::{Date, DateTime, Time};
use crate::value::{Decimal, Quantity, Scalar, Text};

const TRUE: [&str; 6] = ["true", "t", "yes", "y", "1", "1.0"];
const FALSE: [&str; 6] = ["false", "f", "no", "n", "0", "0.0"];

pub(super) fn to_boolean<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let value = match call.input {
        Scalar::Boolean(value) => Some(*value),
        Scalar::Integer(0) => Some(false),
        Scalar::Integer(1) => Some(true),
        Scalar::Decimal(value) => match value.to_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Scalar::String(text) => {
            let is = |words: [&str; 6]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
            match (is(TRUE), is(FALSE)) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            }
        }
        _ => None,
    };
    Ok(value.map(Scalar::Boolean))
}

pub(super) fn to_integer<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    Ok(match call.input {
        Scalar::Integer(value) => Some(Scalar::Integer(*value)),
        Scalar::Boolean(value) => Some(Scalar::Integer((*value).into())),
        // An Integer has 32 bits (N1 §4.1.3).
        Scalar::String(text) => read(call, text, |text| text.parse::<i32>().ok())?
            .map(|value| Scalar::Integer(value.into())),
        _ => None,
    })
}

pub(super) fn to_decimal<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let value = match call.input {
        Scalar::String(text) => read(call, text, read_decimal)?,
        _ => number(call.input),
    };
    Ok(value.map(Scalar::Decimal))
}

/// The decimal that a number or a boolean converts to.
fn number(input: &Scalar<'_>) -> Option<Decimal> {
    match input {
        Scalar::Decimal(value) => Some(value.clone()),
        Scalar::Integer(value) => Some(Decimal::from_i64(*value)),
        Scalar::Boolean(value) => Decimal::parse(if *value { "1.0" } else { "0.0" }),
        _ => None,
    }
}

/// `(\+|-)?\d+(\.\d+)?`; an exponent is not among it.
fn read_decimal(text: &str) -> Option<Decimal> {
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.');
    text.chars().all(digits).then(|| Decimal::parse(text))?
}

pub(super) fn to_date<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let value = match call.input {
        Scalar::Date(value) => Some(*value),
        Scalar::DateTime(value) => Some(value.date()),
        Scalar::String(text) => read(call, text, |text| text.parse::<Date>().ok())?,
        _ => None,
    };
    Ok(value.map(Scalar::Date))
}

pub(super) fn to_date_time<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let value = match call.input {
        Scalar::DateTime(value) => Some(*value),
        Scalar::Date(value) => Some(DateTime::from(*value)),
        Scalar::String(text) => read(call, text, |text| {
            // The `T` without a time belongs to literals only.
            let value = text.parse::<DateTime>().ok();
            value.filter(|_| !text.ends_with('T'))
        })?,
        _ => None,
    };
    Ok(value.map(Scalar::DateTime))
}

pub(super) fn to_time<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let value = match call.input {
        Scalar::Time(value) => Some(*value),
        Scalar::String(text) => read(call, text, |text| text.parse::<Time>().ok())?,
        _ => None,
    };
    Ok(value.map(Scalar::Time))
}

pub(super) fn to_quantity<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let value = match call.input {
        Scalar::Quantity(value) => Some((**value).clone()),
        Scalar::String(text) => read(call, text, read_quantity)?,
        _ => number(call.input).map(Quantity::plain),
    };
    let Some(value) = value else {
        return Ok(None);
    };
    if call.args.is_empty() {
        return Ok(Some(Scalar::Quantity(Box::new(value))));
    }
    let unit = call.text_argument(0, "a string as its unit")?;
    call.work.spend_text(unit.len())?;
    let one = Quantity {
        value: Decimal::from_i64(1),
        unit: unit_of(unit),
    };
    call.work.spend(value.cost().saturating_add(one.cost()))?;
    let converted = value.convert(&one.unit);
    Ok(converted.map(|value| Scalar::Quantity(Box::new(value))))
}

fn unit_of(word: &str) -> Unit {
    match CalendarUnit::from_word(word) {
        Some(unit) => Unit::Calendar(unit),
        None => Unit::Ucum(word.into()),
    }
}

/// A number, and optionally a unit in quotes or the word of a calendar unit.
fn read_quantity(text: &str) -> Option<Quantity> {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '+' | '-' | '.')))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = read_decimal(number)?;
    let unit = unit.trim_start();
    if unit.is_empty() {
        return Some(Quantity::plain(number));
    }
    if let Some(code) = unit.strip_prefix('\'') {
        let code = code.strip_suffix('\'')?;
        return (!code.is_empty() && !code.contains('\'')).then(|| Quantity::new(number, code));
    }
    Some(Quantity::calendar(number, CalendarUnit::from_word(unit)?))
}

/// Reads a string, paid for.
fn read<T>(
    call: &Call<'_, '_>,
    text: &Text<'_>,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Fault> {
    call.work.spend_text(text.len())?;
    Ok(read(text))
}

/// As in a document: dates and times without `@` and only as precise as they are, decimals with all their digits,
/// quantities as literals.
pub(super) fn to_string<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let text = match call.input {
        Scalar::String(text) => return Ok(Some(Scalar::String(text.clone()))),
        Scalar::Boolean(value) => {
            let word = if *value { "true" } else { "false" };
            return Ok(Some(Scalar::String(word.into())));
        }
        Scalar::Integer(value) => value.to_string(),
        Scalar::Decimal(value) => value.to_string(),
        Scalar::Date(value) => value.to_string(),
        Scalar::DateTime(value) if value.time().is_none() => value.date().to_string(),
        Scalar::DateTime(value) => value.to_string(),
        Scalar::Time(value) => value.to_string(),
        Scalar::Quantity(value) => {
            if let Unit::Ucum(code) = &value.unit {
                make_text(call.work, code.len())?;
            }
            value.to_string()
        }
    };
    make_text(call.work, text.len())?;
    Ok(Some(Scalar::String(text.into())))
}
