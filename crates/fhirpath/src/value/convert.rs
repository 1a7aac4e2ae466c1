//! Implicit conversion of operands (N1 §5.5): an Integer where a Decimal or a Quantity is needed, a Decimal where a
//! Quantity is, a Date where a DateTime is.

use std::borrow::Cow;

use super::{Decimal, Quantity, Scalar};
use crate::temporal::{DateTime, Time};

/// Two operands of one type.
pub(super) enum Pair<'s> {
    Boolean(bool, bool),
    Integer(i64, i64),
    Decimal(Cow<'s, Decimal>, Cow<'s, Decimal>),
    String(&'s str, &'s str),
    DateTime(DateTime, DateTime),
    Time(Time, Time),
    Quantity(Cow<'s, Quantity>, Cow<'s, Quantity>),
}

/// Both operands as values of one type; `None` if they do not convert into each other.
pub(super) fn pair<'s>(left: &'s Scalar<'_>, right: &'s Scalar<'_>) -> Option<Pair<'s>> {
    use Scalar as S;
    Some(match (left, right) {
        (S::Boolean(a), S::Boolean(b)) => Pair::Boolean(*a, *b),
        (S::Integer(a), S::Integer(b)) => Pair::Integer(*a, *b),
        (S::String(a), S::String(b)) => Pair::String(a, b),
        (S::Time(a), S::Time(b)) => Pair::Time(*a, *b),
        (S::Date(_) | S::DateTime(_), _) => Pair::DateTime(moment(left)?, moment(right)?),
        (S::Quantity(_), _) | (_, S::Quantity(_)) => {
            Pair::Quantity(quantity(left)?, quantity(right)?)
        }
        (S::Decimal(_) | S::Integer(_), _) => Pair::Decimal(decimal(left)?, decimal(right)?),
        _ => return None,
    })
}

fn moment(value: &Scalar<'_>) -> Option<DateTime> {
    match value {
        Scalar::Date(date) => Some((*date).into()),
        Scalar::DateTime(moment) => Some(*moment),
        _ => None,
    }
}

/// A number as a Decimal.
pub(super) fn decimal<'s>(value: &'s Scalar<'_>) -> Option<Cow<'s, Decimal>> {
    match value {
        Scalar::Integer(value) => Some(Cow::Owned((*value).into())),
        Scalar::Decimal(value) => Some(Cow::Borrowed(value)),
        _ => None,
    }
}

/// A number or a quantity as a Quantity.
fn quantity<'s>(value: &'s Scalar<'_>) -> Option<Cow<'s, Quantity>> {
    match value {
        Scalar::Quantity(value) => Some(Cow::Borrowed(value)),
        _ => Some(Cow::Owned(Quantity::plain(decimal(value)?.into_owned()))),
    }
}
