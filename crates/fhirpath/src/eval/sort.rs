//! `sort()`: by the items themselves, or by keys; `-key` is descending.

use std::cmp::Ordering;

use smallvec::SmallVec;

use super::{Call, Evaluation, Fault, Items, NodeId, Result, Scalar, Work, single};
use crate::item::Item;
use crate::operator::{BinaryOp, UnaryOp};
use crate::prepare::Op;
use crate::value;

/// An item with its keys; `None` is an empty key, which comes first in either direction (HL7's suite, testSort10).
struct Row<'a> {
    item: Item<'a>,
    keys: SmallVec<[Option<Scalar<'a>>; 2]>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn sort(&self, call: Call<'_, 'a>, input: &Items<'a>) -> Result<Items<'a>> {
        let mut keys: SmallVec<[(NodeId, bool); 2]> = SmallVec::new();
        for argument in call.arguments {
            keys.push(match self.op(*argument) {
                Op::Unary {
                    op: UnaryOp::Minus,
                    operand,
                } => (*operand, true),
                _ => (*argument, false),
            });
        }
        let mut rows = Vec::with_capacity(input.len());
        for (index, item) in input.iter().enumerate() {
            rows.push(self.row(call, &keys, item, index)?);
        }
        let rows = sorted(rows, &keys, &self.work)?;
        Ok(rows.into_iter().map(|row| row.item).collect())
    }

    fn row(
        &self,
        call: Call<'_, 'a>,
        keys: &[(NodeId, bool)],
        item: &Item<'a>,
        index: usize,
    ) -> Result<Row<'a>> {
        let mut row = Row {
            item: item.clone(),
            keys: SmallVec::new(),
        };
        if keys.is_empty() {
            row.keys.push(sortable(item)?);
            return Ok(row);
        }
        let focus = Items::from_elem(item.clone(), 1);
        for (key, _) in keys {
            let value = self.eval(*key, call.scope.item(&focus, index))?;
            row.keys.push(match single(&value, "sort")? {
                Some(item) => sortable(item)?,
                None => None,
            });
        }
        Ok(row)
    }
}

fn sortable<'a>(item: &Item<'a>) -> Result<Option<Scalar<'a>>> {
    match item.scalar()? {
        Some(value) => Ok(Some(value)),
        None if item.is_valueless() => Ok(None),
        None => Err(Fault::Input {
            function: "sort",
            found: item.type_name(),
        }
        .into()),
    }
}

/// Sorts and keeps the order of what is equal or cannot be compared. The order of dates of different precision is none that
/// the sort of the standard library accepts: it may panic.
fn sorted<'a>(
    mut rows: Vec<Row<'a>>,
    keys: &[(NodeId, bool)],
    work: &Work<'_>,
) -> std::result::Result<Vec<Row<'a>>, Fault> {
    if rows.len() < 2 {
        return Ok(rows);
    }
    let length = rows.len();
    let right = rows.split_off(length / 2);
    let mut left = sorted(rows, keys, work)?.into_iter().peekable();
    let mut right = sorted(right, keys, work)?.into_iter().peekable();
    let mut merged = Vec::with_capacity(length);
    while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
        work.spend(1)?;
        merged.extend(match order(second, first, keys, work)? {
            Ordering::Less => right.next(),
            Ordering::Equal | Ordering::Greater => left.next(),
        });
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}

fn order(
    left: &Row<'_>,
    right: &Row<'_>,
    keys: &[(NodeId, bool)],
    work: &Work<'_>,
) -> std::result::Result<Ordering, Fault> {
    for (place, (left, right)) in left.keys.iter().zip(&right.keys).enumerate() {
        let order = match (left, right) {
            (None, None) => continue,
            (None, Some(_)) => return Ok(Ordering::Less),
            (Some(_), None) => return Ok(Ordering::Greater),
            (Some(left), Some(right)) => {
                value::compare(BinaryOp::Less, left, right, work)?.unwrap_or(Ordering::Equal)
            }
        };
        let descending = keys.get(place).is_some_and(|(_, descending)| *descending);
        if order != Ordering::Equal {
            return Ok(if descending { order.reverse() } else { order });
        }
    }
    Ok(Ordering::Equal)
}
