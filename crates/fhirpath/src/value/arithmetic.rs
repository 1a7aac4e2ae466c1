//! The arithmetic operators (N1 §6.6, §6.7). `None` is the empty collection: a division by zero, a number beyond the
//! limits, a date that no calendar has, units that do not fit. The fault of each is [`Fault::Operands`], for types that
//! the operator is not defined for.

use super::compare::spend;
use super::convert::{Pair, decimal, pair};
use super::{Quantity, Scalar, string};
use crate::eval::{Fault, Work};
use crate::literal::CalendarUnit;
use crate::operator::BinaryOp;

/// What every operator gives back.
pub(crate) type Result<'a> = std::result::Result<Option<Scalar<'a>>, Fault>;

/// `+`: the sum of numbers or quantities, a date or a time moved by a quantity, or two strings in one.
pub(crate) fn add<'a>(left: &Scalar<'a>, right: &Scalar<'a>, work: &Work<'_>) -> Result<'a> {
    const OPERATOR: BinaryOp = BinaryOp::Add;
    if let Scalar::Quantity(quantity) = right
        && let Some(moved) = shift(left, quantity)
    {
        return moved;
    }
    match number_pair(OPERATOR, left, right, work)? {
        Pair::Integer(a, b) => Ok(a.checked_add(b).map(Scalar::Integer)),
        Pair::Decimal(a, b) => Ok(a.add(&b).map(Scalar::Decimal)),
        Pair::Quantity(a, b) => Ok(a.add(&b).map(Scalar::from)),
        Pair::String(a, b) => string::concatenate(a, b, work).map(Some),
        _ => Err(undefined(OPERATOR, left, right)),
    }
}

/// `-`: the difference of numbers or quantities, or a date or a time moved back by a quantity.
pub(crate) fn subtract<'a>(left: &Scalar<'a>, right: &Scalar<'a>, work: &Work<'_>) -> Result<'a> {
    const OPERATOR: BinaryOp = BinaryOp::Subtract;
    if let Scalar::Quantity(quantity) = right
        && let Some(moved) = shift(left, &quantity.negate())
    {
        return moved;
    }
    match number_pair(OPERATOR, left, right, work)? {
        Pair::Integer(a, b) => Ok(a.checked_sub(b).map(Scalar::Integer)),
        Pair::Decimal(a, b) => Ok(a.subtract(&b).map(Scalar::Decimal)),
        Pair::Quantity(a, b) => Ok(a.subtract(&b).map(Scalar::from)),
        _ => Err(undefined(OPERATOR, left, right)),
    }
}

/// `*`.
pub(crate) fn multiply<'a>(left: &Scalar<'a>, right: &Scalar<'a>, work: &Work<'_>) -> Result<'a> {
    const OPERATOR: BinaryOp = BinaryOp::Multiply;
    match number_pair(OPERATOR, left, right, work)? {
        Pair::Integer(a, b) => Ok(a.checked_mul(b).map(Scalar::Integer)),
        Pair::Decimal(a, b) => Ok(a.multiply(&b).map(Scalar::Decimal)),
        Pair::Quantity(a, b) => {
            work.spend(a.cost_of_product().saturating_add(b.cost_of_product()))?;
            Ok(a.multiply(&b).map(Scalar::from))
        }
        _ => Err(undefined(OPERATOR, left, right)),
    }
}

/// `/`: a Decimal even for two Integers.
pub(crate) fn divide<'a>(left: &Scalar<'a>, right: &Scalar<'a>, work: &Work<'_>) -> Result<'a> {
    const OPERATOR: BinaryOp = BinaryOp::Divide;
    match number_pair(OPERATOR, left, right, work)? {
        Pair::Quantity(a, b) => {
            work.spend(a.cost_of_product().saturating_add(b.cost_of_product()))?;
            Ok(a.divide(&b).map(Scalar::from))
        }
        Pair::Integer(..) | Pair::Decimal(..) => {
            let (Some(a), Some(b)) = (decimal(left), decimal(right)) else {
                return Err(undefined(OPERATOR, left, right));
            };
            Ok(a.divide(&b).map(Scalar::Decimal))
        }
        _ => Err(undefined(OPERATOR, left, right)),
    }
}

/// `div`: an Integer for two Integers, otherwise a whole Decimal.
pub(crate) fn int_divide<'a>(left: &Scalar<'a>, right: &Scalar<'a>, work: &Work<'_>) -> Result<'a> {
    const OPERATOR: BinaryOp = BinaryOp::IntegerDivide;
    match number_pair(OPERATOR, left, right, work)? {
        Pair::Integer(a, b) => Ok(a.checked_div(b).map(Scalar::Integer)),
        Pair::Decimal(a, b) => Ok(a.divide_whole(&b).map(Scalar::Decimal)),
        _ => Err(undefined(OPERATOR, left, right)),
    }
}

/// `mod`, with the sign of the left operand.
pub(crate) fn modulo<'a>(left: &Scalar<'a>, right: &Scalar<'a>, work: &Work<'_>) -> Result<'a> {
    const OPERATOR: BinaryOp = BinaryOp::Modulo;
    match number_pair(OPERATOR, left, right, work)? {
        Pair::Integer(_, 0) => Ok(None),
        // The only quotient that overflows leaves nothing over.
        Pair::Integer(a, b) => Ok(Some(Scalar::Integer(a.checked_rem(b).unwrap_or(0)))),
        Pair::Decimal(a, b) => Ok(a.remainder(&b).map(Scalar::Decimal)),
        _ => Err(undefined(OPERATOR, left, right)),
    }
}

/// `&`: two strings in one. The caller has an empty collection count as the empty string.
pub(crate) fn concatenate<'a>(
    left: &Scalar<'a>,
    right: &Scalar<'a>,
    work: &Work<'_>,
) -> Result<'a> {
    match (left, right) {
        (Scalar::String(a), Scalar::String(b)) => string::concatenate(a, b, work).map(Some),
        _ => Err(undefined(BinaryOp::Concatenate, left, right)),
    }
}

/// `-` before an operand.
///
/// # Errors
/// [`Fault::Other`] for what has no sign.
pub(crate) fn negate<'a>(operand: &Scalar<'a>) -> Result<'a> {
    match operand {
        Scalar::Integer(value) => Ok(value.checked_neg().map(Scalar::Integer)),
        Scalar::Decimal(value) => Ok(Some(Scalar::Decimal(value.negate()))),
        Scalar::Quantity(value) => Ok(Some(value.negate().into())),
        _ => Err(Fault::Other("only a number or a quantity has a sign")),
    }
}

/// A date or a time, moved; `None` if the left operand is neither.
fn shift<'a>(left: &Scalar<'a>, quantity: &Quantity) -> Option<Result<'a>> {
    use CalendarUnit as U;
    let unit = quantity.calendar_unit();
    let amount = &quantity.value;
    Some(match (left, unit) {
        (Scalar::Date(date), Some(unit @ (U::Year | U::Month | U::Week | U::Day))) => {
            Ok(date.plus(amount, unit).map(Scalar::Date))
        }
        (Scalar::DateTime(moment), Some(unit)) => {
            Ok(moment.plus(amount, unit).map(Scalar::DateTime))
        }
        (Scalar::Time(time), Some(unit @ (U::Hour | U::Minute | U::Second | U::Millisecond))) => {
            Ok(time.plus(amount, unit).map(Scalar::Time))
        }
        (Scalar::Date(_), _) => Err(Fault::Other(
            "a Date moves by years, months, weeks or days of the calendar only",
        )),
        (Scalar::DateTime(_), _) => Err(Fault::Other(
            "a DateTime moves by durations of the calendar only",
        )),
        (Scalar::Time(_), _) => Err(Fault::Other(
            "a Time moves by hours, minutes, seconds or milliseconds only",
        )),
        _ => return None,
    })
}

/// Both operands in one type.
fn number_pair<'s>(
    operator: BinaryOp,
    left: &'s Scalar<'_>,
    right: &'s Scalar<'_>,
    work: &Work<'_>,
) -> std::result::Result<Pair<'s>, Fault> {
    let pair = pair(left, right).ok_or_else(|| undefined(operator, left, right))?;
    if !matches!(pair, Pair::String(..)) {
        spend(left, right, work)?;
    }
    Ok(pair)
}

/// The fault of an operator between types that it is not defined for.
pub(super) fn undefined(operator: BinaryOp, left: &Scalar<'_>, right: &Scalar<'_>) -> Fault {
    Fault::Operands {
        operator: operator.symbol(),
        left: left.type_name(),
        right: right.type_name(),
    }
}
