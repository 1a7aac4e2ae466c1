//! Conditions: what counts as true, and the operators between them (N1 §4.5, §6.5).

use super::{Evaluation, Fault, Items, NodeId, Result, Scope, maybe};
use crate::operator::BinaryOp;

/// A collection as a condition: none is unknown, and so is a boolean that has extensions only; one boolean is itself, any
/// other one item is true.
pub(super) fn condition(items: &Items<'_>, what: &'static str) -> Result<Option<bool>> {
    match items.as_slice() {
        [] => Ok(None),
        [item] if item.is_boolean_without_value() => Ok(None),
        [item] => Ok(Some(item.boolean()?.unwrap_or(true))),
        _ => Err(Fault::Several(what).into()),
    }
}

impl<'a> Evaluation<'a> {
    /// Whether an argument holds at some item; unknown does not.
    pub(super) fn holds(
        &self,
        id: NodeId,
        scope: Scope<'_, 'a>,
        what: &'static str,
    ) -> Result<bool> {
        Ok(condition(&self.eval(id, scope)?, what)? == Some(true))
    }

    /// `and`, `or`, `xor`, `implies`, three-valued. The right side is evaluated only where it can matter.
    pub(super) fn logic(
        &self,
        op: BinaryOp,
        left: &Items<'a>,
        right: NodeId,
        scope: Scope<'_, 'a>,
    ) -> Result<Items<'a>> {
        let what = op.symbol();
        let left = condition(left, what)?;
        match (op, left) {
            (BinaryOp::And, Some(false)) => return Ok(maybe(Some(false))),
            (BinaryOp::Or, Some(true)) | (BinaryOp::Implies, Some(false)) => {
                return Ok(maybe(Some(true)));
            }
            _ => {}
        }
        let right = condition(&self.eval(right, scope)?, what)?;
        Ok(maybe(match op {
            BinaryOp::And => match (left, right) {
                (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            BinaryOp::Or => match (left, right) {
                (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            BinaryOp::Implies => match (left, right) {
                (_, Some(true)) => Some(true),
                (Some(true), right) => right,
                _ => None,
            },
            _ => match (left, right) {
                (Some(left), Some(right)) => Some(left != right),
                _ => None,
            },
        }))
    }
}
