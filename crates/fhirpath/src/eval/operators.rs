//! Operators between collections (N1 §6).

use std::cmp::Ordering;

use super::equality::{equal_collections, equivalent_collections, is_among};
use super::{
    Evaluation, Fault, Items, NodeId, Result, Scalar, Scope, Work, boolean, maybe, one, single,
};
use crate::item::{self, Item};
use crate::operator::{BinaryOp, UnaryOp};
use crate::value::{self, Text};

impl<'a> Evaluation<'a> {
    pub(super) fn binary(
        &self,
        op: BinaryOp,
        left: Items<'a>,
        right: NodeId,
        scope: Scope<'_, 'a>,
    ) -> Result<Items<'a>> {
        if matches!(
            op,
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor | BinaryOp::Implies
        ) {
            return self.logic(op, &left, right, scope);
        }
        let right = self.eval(right, scope)?;
        let work = &self.work;
        match op {
            BinaryOp::Equal => Ok(maybe(equal_collections(&left, &right, work)?)),
            BinaryOp::NotEqual => {
                let equal = equal_collections(&left, &right, work)?;
                Ok(maybe(equal.map(|equal| !equal)))
            }
            BinaryOp::Equivalent => Ok(boolean(equivalent_collections(&left, &right, work)?)),
            BinaryOp::NotEquivalent => Ok(boolean(!equivalent_collections(&left, &right, work)?)),
            BinaryOp::Union => self.union(&left, &right),
            BinaryOp::In => self.membership(&left, &right, "in"),
            BinaryOp::Contains => self.membership(&right, &left, "contains"),
            BinaryOp::Concatenate => self.concatenate(&left, &right),
            _ => self.computed(op, &left, &right),
        }
    }

    /// Whether the item is one of the collection; unknown without an item.
    fn membership(
        &self,
        item: &Items<'a>,
        all: &Items<'a>,
        what: &'static str,
    ) -> Result<Items<'a>> {
        let Some(item) = single(item, what)? else {
            return Ok(Items::new());
        };
        Ok(maybe(is_among(item, all, &self.work)?))
    }

    /// `&`: as `+` of strings, with nothing as the empty string.
    fn concatenate(&self, left: &Items<'a>, right: &Items<'a>) -> Result<Items<'a>> {
        let text = |items: &Items<'a>| -> Result<Scalar<'a>> {
            match single(items, "&")? {
                None => Ok(Scalar::String(Text::Borrowed(""))),
                Some(item) => Ok(item.scalar()?.ok_or_else(|| no_value(item, "&"))?),
            }
        };
        let joined = value::concatenate(&text(left)?, &text(right)?, &self.work)?;
        Ok(joined.map_or_else(Items::new, one))
    }

    /// Operators between two single values; empty where one is.
    fn computed(&self, op: BinaryOp, left: &Items<'a>, right: &Items<'a>) -> Result<Items<'a>> {
        let symbol = op.symbol();
        let (left, right) = (single(left, symbol)?, single(right, symbol)?);
        let (Some(left), Some(right)) = (left, right) else {
            return Ok(Items::new());
        };
        let operands = || Fault::Operands {
            operator: symbol,
            left: left.type_name(),
            right: right.type_name(),
        };
        let values = (left.scalar()?, right.scalar()?);
        let (left, right) = match values {
            (Some(left), Some(right)) => (left, right),
            // A primitive that has extensions only is as good as empty.
            _ if left.is_valueless() || right.is_valueless() => return Ok(Items::new()),
            (None, _) if is_quantity(left) => return Err(NO_AMOUNT.into()),
            (_, None) if is_quantity(right) => return Err(NO_AMOUNT.into()),
            _ => return Err(operands().into()),
        };
        let work = &self.work;
        let value = match op {
            BinaryOp::Less => return ordered(op, &left, &right, work, |it| it == Ordering::Less),
            BinaryOp::Greater => {
                return ordered(op, &left, &right, work, |it| it == Ordering::Greater);
            }
            BinaryOp::LessOrEqual => {
                return ordered(op, &left, &right, work, |it| it != Ordering::Greater);
            }
            BinaryOp::GreaterOrEqual => {
                return ordered(op, &left, &right, work, |it| it != Ordering::Less);
            }
            BinaryOp::Add => value::add(&left, &right, work)?,
            BinaryOp::Subtract => value::subtract(&left, &right, work)?,
            BinaryOp::Multiply => value::multiply(&left, &right, work)?,
            BinaryOp::Divide => value::divide(&left, &right, work)?,
            BinaryOp::IntegerDivide => value::int_divide(&left, &right, work)?,
            BinaryOp::Modulo => value::modulo(&left, &right, work)?,
            _ => return Err(operands().into()),
        };
        Ok(value.map_or_else(Items::new, one))
    }
}

const NO_AMOUNT: Fault = Fault::Other(
    "a Quantity without a number, with a comparator, or with a unit that is not UCUM has no value to compute with",
);

fn is_quantity(item: &Item<'_>) -> bool {
    matches!(item, Item::Element(element) if element.type_id.is_some_and(item::is_quantity))
}

fn ordered<'a>(
    op: BinaryOp,
    left: &Scalar<'a>,
    right: &Scalar<'a>,
    work: &Work<'_>,
    holds: impl Fn(Ordering) -> bool,
) -> Result<Items<'a>> {
    Ok(maybe(value::compare(op, left, right, work)?.map(holds)))
}

/// `-` and `+` before a value.
pub(super) fn unary<'a>(op: UnaryOp, operand: &Items<'a>, work: &Work<'_>) -> Result<Items<'a>> {
    let symbol = op.symbol();
    let Some(item) = single(operand, symbol)? else {
        return Ok(Items::new());
    };
    let Some(value) = item.scalar()? else {
        return without_value(item, symbol);
    };
    work.spend(value.cost())?;
    let negated = value::negate(&value)?;
    Ok(match op {
        UnaryOp::Minus => negated.map_or_else(Items::new, one),
        UnaryOp::Plus => one(value),
    })
}

/// What an operation on an item without a value gives: nothing for a primitive that has extensions only, an error for
/// what never has a value.
pub(super) fn without_value<'a>(item: &Item<'a>, what: &'static str) -> Result<Items<'a>> {
    if item.is_valueless() {
        Ok(Items::new())
    } else {
        Err(no_value(item, what).into())
    }
}

fn no_value(item: &Item<'_>, function: &'static str) -> Fault {
    Fault::Input {
        function,
        found: item.type_name(),
    }
}
