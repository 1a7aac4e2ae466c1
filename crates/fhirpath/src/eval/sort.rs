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
        // About n log n comparisons.
        let rounds = u64::from(input.len().max(1).ilog2()) + 1;
        self.work
            .spend((input.len() as u64).saturating_mul(rounds))?;
        let mut trouble = None;
        rows.sort_by(|left, right| {
            order(left, right, &keys, &self.work).unwrap_or_else(|fault| {
                trouble.get_or_insert(fault);
                Ordering::Equal
            })
        });
        match trouble {
            Some(fault) => Err(fault.into()),
            None => Ok(rows.into_iter().map(|row| row.item).collect()),
        }
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
    match (item.scalar()?, item) {
        (Some(value), _) => Ok(Some(value)),
        (None, Item::Element(element)) if element.value.is_none() => Ok(None),
        _ => Err(Fault::Input {
            function: "sort",
            found: item.type_name(),
        }
        .into()),
    }
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
