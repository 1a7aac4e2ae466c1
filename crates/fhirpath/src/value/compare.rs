//! Equality, equivalence and order of values (N1 §6.1, §6.2).

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher as _};

use super::convert::{Pair, pair};
use super::{Scalar, arithmetic, string};
use crate::eval::{Fault, Work};
use crate::operator::BinaryOp;

/// `=`: `None` is the empty collection, for dates and times whose precision does not tell, and for quantities whose units
/// do not convert into each other. Values of types that do not convert into each other are not equal.
pub(crate) fn equal(
    left: &Scalar<'_>,
    right: &Scalar<'_>,
    work: &Work<'_>,
) -> Result<Option<bool>, Fault> {
    spend(left, right, work)?;
    Ok(match pair(left, right) {
        Some(Pair::Boolean(a, b)) => Some(a == b),
        Some(Pair::Integer(a, b)) => Some(a == b),
        Some(Pair::Decimal(a, b)) => Some(a == b),
        Some(Pair::String(a, b)) => Some(a == b),
        Some(Pair::DateTime(a, b)) => a.compare(b).map(Ordering::is_eq),
        Some(Pair::Time(a, b)) => a.compare(b).map(Ordering::is_eq),
        Some(Pair::Quantity(a, b)) => a.equal(&b),
        None => Some(false),
    })
}

/// `~`: as [`equal`], but strings are the same whatever their case and kind of white space, decimals are rounded to the
/// precision of the less precise one, and what `=` cannot answer is not equivalent.
pub(crate) fn equivalent(
    left: &Scalar<'_>,
    right: &Scalar<'_>,
    work: &Work<'_>,
) -> Result<bool, Fault> {
    spend(left, right, work)?;
    Ok(match pair(left, right) {
        Some(Pair::Boolean(a, b)) => a == b,
        Some(Pair::Integer(a, b)) => a == b,
        Some(Pair::Decimal(a, b)) => a.equivalent(&b),
        Some(Pair::String(a, b)) => string::equivalent(a, b, work)?,
        Some(Pair::DateTime(a, b)) => a.compare(b).is_some_and(Ordering::is_eq),
        Some(Pair::Time(a, b)) => a.compare(b).is_some_and(Ordering::is_eq),
        Some(Pair::Quantity(a, b)) => a.equivalent(&b),
        None => false,
    })
}

/// Order, for `<`, `<=`, `>` and `>=`; `None` is the empty collection, as for [`equal`].
///
/// # Errors
/// [`Fault::Operands`] for types that have no order, or do not convert into each other.
pub(crate) fn compare(
    operator: BinaryOp,
    left: &Scalar<'_>,
    right: &Scalar<'_>,
    work: &Work<'_>,
) -> Result<Option<Ordering>, Fault> {
    spend(left, right, work)?;
    match pair(left, right) {
        Some(Pair::Integer(a, b)) => Ok(Some(a.cmp(&b))),
        Some(Pair::Decimal(a, b)) => Ok(Some(a.cmp(&b))),
        // The order of UTF-8 is that of the characters' numbers.
        Some(Pair::String(a, b)) => Ok(Some(a.cmp(b))),
        Some(Pair::DateTime(a, b)) => Ok(a.compare(b)),
        Some(Pair::Time(a, b)) => Ok(a.compare(b)),
        Some(Pair::Quantity(a, b)) => Ok(a.compare(&b)),
        Some(Pair::Boolean(..)) | None => Err(arithmetic::undefined(operator, left, right)),
    }
}

/// What looking at both takes.
pub(super) fn spend(left: &Scalar<'_>, right: &Scalar<'_>, work: &Work<'_>) -> Result<(), Fault> {
    match left.cost().saturating_add(right.cost()) {
        0 => Ok(()),
        steps => work.spend(steps),
    }
}

impl Scalar<'_> {
    /// Steps that comparing or adding it takes beyond the one of the operation.
    pub(crate) fn cost(&self) -> u64 {
        match self {
            Self::String(text) => (text.len() / 64) as u64,
            Self::Decimal(value) => value.size(),
            Self::Quantity(quantity) => quantity.cost(),
            _ => 0,
        }
    }

    /// A number that is the same for all values that are equal, for tables of values.
    pub(crate) fn bucket(&self) -> u64 {
        let mut state = DefaultHasher::new();
        match self {
            Self::Boolean(value) => value.hash(&mut state),
            Self::Integer(value) => super::Decimal::from(*value).hash_bucket(&mut state),
            Self::Decimal(value) => value.hash_bucket(&mut state),
            Self::String(text) => text.hash(&mut state),
            Self::Date(date) => crate::DateTime::from(*date).bucket().hash(&mut state),
            Self::DateTime(value) => value.bucket().hash(&mut state),
            Self::Time(time) => time.bucket().hash(&mut state),
            Self::Quantity(quantity) => quantity.hash_bucket(&mut state),
        }
        state.finish()
    }
}
