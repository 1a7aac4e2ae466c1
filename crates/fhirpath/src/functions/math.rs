//! Mathematics (N1 §5.7).
//!
//! What is exact in decimals is computed in decimals. `exp`, `ln`, `log`, and the roots and powers that are not exact
//! are computed in binary floating point and rounded to 15 significant digits, so that `16.log(2)` is 4 and the last
//! bits of a platform's library do not show. What is no number, infinite or beyond the limits gives the empty collection.

use bigdecimal::RoundingMode;

use super::{Call, Value};
use crate::eval::Fault;
use crate::value::{Decimal, Quantity, Scalar};

/// Significant digits of results that come from binary floating point, which has almost 16.
const BINARY_DIGITS: usize = 15;

/// Most decimals of a root that is exact.
const ROOT_DECIMALS: u32 = 28;

pub(super) fn abs<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    Ok(match call.input {
        Scalar::Integer(value) => value.checked_abs().map(Scalar::Integer),
        Scalar::Decimal(value) => Some(Scalar::Decimal(value.abs())),
        Scalar::Quantity(quantity) => Some(Scalar::Quantity(Box::new(Quantity {
            value: quantity.value.abs(),
            unit: quantity.unit.clone(),
        }))),
        _ => return Err(call.wrong_input()),
    })
}

pub(super) fn ceiling<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    whole(call, RoundingMode::Ceiling)
}

pub(super) fn floor<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    whole(call, RoundingMode::Floor)
}

pub(super) fn truncate<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    whole(call, RoundingMode::Down)
}

fn whole<'a>(call: &Call<'_, 'a>, mode: RoundingMode) -> Value<'a> {
    let value = decimal(call)?;
    let whole = value.round(0, mode).and_then(|value| value.to_i64());
    Ok(whole.map(Scalar::Integer))
}

/// Halves are rounded away from zero. A number with fewer decimals than asked for stays as it is.
pub(super) fn round<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let expected = "an integer of 0 or more as its precision";
    let value = decimal(call)?;
    let precision = call.integer_argument(0, expected)?.unwrap_or(0);
    if precision < 0 {
        return Err(call.wrong_argument(expected));
    }
    // What is too large for the type is more than any number has.
    let precision = u32::try_from(precision).unwrap_or(u32::MAX);
    if precision >= value.scale() {
        return Ok(Some(Scalar::Decimal(value)));
    }
    let rounded = value.round(precision, RoundingMode::HalfUp);
    Ok(rounded.map(Scalar::Decimal))
}

pub(super) fn exp<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    Ok(from_binary(decimal(call)?.to_f64().exp()))
}

pub(super) fn ln<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    Ok(from_binary(decimal(call)?.to_f64().ln()))
}

pub(super) fn log<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let value = decimal(call)?.to_f64();
    let base = decimal_argument(call, "a number as its base")?.to_f64();
    Ok(from_binary(value.ln() / base.ln()))
}

pub(super) fn sqrt<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    Ok(root(&decimal(call)?))
}

/// The square root; exact where it ends within [`ROOT_DECIMALS`].
fn root<'a>(value: &Decimal) -> Option<Scalar<'a>> {
    if value.is_negative() {
        return None;
    }
    let near = from_binary_digits(value.to_f64().sqrt())?;
    // One step of Newton's doubles the 15 digits: enough to find what a short exact root must be.
    let better = || {
        let twice = near.add(&value.divide(&near)?)?;
        let half = twice.divide(&Decimal::from_i64(2))?;
        Some(
            half.round(ROOT_DECIMALS, RoundingMode::HalfEven)?
                .normalized(),
        )
    };
    let exact = |root: &Decimal| root.power(2).is_some_and(|square| square == *value);
    let candidates = [Some(near.clone()), better()];
    let root = candidates.into_iter().flatten().find(exact);
    Some(Scalar::Decimal(root.unwrap_or(near)))
}

/// Integers give an integer, or nothing where the power is none. A power that is a whole number is exact.
pub(super) fn power<'a>(call: &Call<'_, 'a>) -> Value<'a> {
    let value = decimal(call)?;
    let exponent = decimal_argument(call, "a number as its exponent")?;
    let power = match exponent.to_i64() {
        Some(exponent) => whole_power(call, &value, exponent)?,
        None if exponent.add(&exponent).and_then(|twice| twice.to_i64()) == Some(1) => {
            return Ok(root(&value));
        }
        None => return Ok(from_binary(value.to_f64().powf(exponent.to_f64()))),
    };
    let integers = matches!(
        (call.input, call.args.first()),
        (Scalar::Integer(_), Some(Scalar::Integer(_)))
    );
    Ok(match integers {
        true => power.and_then(|power| power.to_i64()).map(Scalar::Integer),
        false => power.map(Scalar::Decimal),
    })
}

/// `None` beyond the limits, and for 0 to a negative power.
fn whole_power(
    call: &Call<'_, '_>,
    value: &Decimal,
    exponent: i64,
) -> Result<Option<Decimal>, Fault> {
    // Multiplying is quadratic in the digits, which have a limit.
    call.work.spend(64)?;
    let one = Decimal::from_i64(1);
    if value.abs() == one {
        let negative = value.is_negative() && exponent % 2 != 0;
        return Ok(Some(if negative { one.negate() } else { one }));
    }
    let positive = match u32::try_from(exponent.unsigned_abs()) {
        Ok(exponent) => value.normalized().power(exponent),
        // Far beyond the limits, or nearer to zero than they allow.
        Err(_) => value.is_zero().then(|| Decimal::from_i64(0)),
    };
    Ok(match (positive, exponent < 0) {
        (power, false) => power,
        (Some(power), true) => one.divide(&power),
        (None, true) => None,
    })
}

/// The input of a function on numbers; an integer is implicitly a decimal.
fn decimal(call: &Call<'_, '_>) -> Result<Decimal, Fault> {
    to_decimal(call.input).ok_or_else(|| call.wrong_input())
}

fn decimal_argument(call: &Call<'_, '_>, expected: &'static str) -> Result<Decimal, Fault> {
    let value = call.args.first().and_then(to_decimal);
    value.ok_or_else(|| call.wrong_argument(expected))
}

fn to_decimal(value: &Scalar<'_>) -> Option<Decimal> {
    match value {
        Scalar::Integer(value) => Some(Decimal::from_i64(*value)),
        Scalar::Decimal(value) => Some(value.clone()),
        _ => None,
    }
}

fn from_binary<'a>(value: f64) -> Option<Scalar<'a>> {
    from_binary_digits(value).map(Scalar::Decimal)
}

/// The number, rounded to [`BINARY_DIGITS`], without zeros at the end; `None` for infinities and what is no number.
fn from_binary_digits(value: f64) -> Option<Decimal> {
    if !value.is_finite() {
        return None;
    }
    let digits = BINARY_DIGITS - 1;
    Decimal::parse(&format!("{value:.digits$e}")).map(|value| value.normalized())
}
