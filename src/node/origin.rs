//! Which expressions are ours: the predicates and masks that read stored rows, and nothing else may.
//!
//! What we parse says so in the place that its nodes claim to have in the statement's text. That survives copying, planning and
//! the translation to partitions, and no comparison of expressions looks at it. A statement's own places are not negative.

use super::tree::{self, Visitor};
use crate::hooks::statistics::is_mark;
use pgrx::prelude::*;

/// The place that our expressions claim to have, but for columns of predicates that [say more](is_mark).
pub const OURS: i32 = -4_243;

/// Says of an expression, and of all below it but subqueries' own tables, that it is ours.
///
/// # Safety
/// `node` must be null or an expression that nobody else uses.
pub unsafe fn stamp(node: *mut pg_sys::Node) {
    // SAFETY: by the caller's promise.
    unsafe {
        tree::visit(node, &mut Stamp);
    }
}

/// Is this expression ours, with all below it?
///
/// # Safety
/// `node` must be a node.
pub unsafe fn is_ours(node: *mut pg_sys::Node) -> bool {
    // SAFETY: by the caller's promise.
    unsafe { location(node).is_some_and(|location| *location == OURS) || is_granted(node) }
}

/// Is it a column of a policy's condition that says already that it is ours, so that the planner has statistics for it?
///
/// # Safety
/// `node` must be a node.
unsafe fn is_granted(node: *mut pg_sys::Node) -> bool {
    // SAFETY: a node is looked at as what its tag says.
    unsafe {
        pgrx::is_a(node, pg_sys::NodeTag::T_Var) && is_mark((*node.cast::<pg_sys::Var>()).location)
    }
}

struct Stamp;

impl Visitor for Stamp {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        // SAFETY: by the promise to `stamp`.
        unsafe {
            if !is_granted(node) {
                stamp_one(node);
            }
            if pgrx::is_a(node, pg_sys::NodeTag::T_Query) {
                tree::visit_query(node.cast(), self);
                return false;
            }
        }
        true
    }
}

/// Says of one node that it is ours, where it can say so.
///
/// # Safety
/// `node` must be a node that nobody else uses.
pub unsafe fn stamp_one(node: *mut pg_sys::Node) {
    // SAFETY: by the caller's promise.
    unsafe {
        if let Some(location) = location(node) {
            *location = OURS;
        }
    }
}

/// Where a node keeps its place in the statement's text. Only of nodes that the planner keeps as they are.
///
/// # Safety
/// `node` must be a node.
unsafe fn location(node: *mut pg_sys::Node) -> Option<*mut i32> {
    use pg_sys::NodeTag::*;
    // SAFETY: a node is looked at as what its tag says.
    unsafe {
        Some(match (*node).type_ {
            T_Var => &raw mut (*node.cast::<pg_sys::Var>()).location,
            T_Param => &raw mut (*node.cast::<pg_sys::Param>()).location,
            T_OpExpr | T_DistinctExpr | T_NullIfExpr => {
                &raw mut (*node.cast::<pg_sys::OpExpr>()).location
            }
            T_FuncExpr => &raw mut (*node.cast::<pg_sys::FuncExpr>()).location,
            T_ScalarArrayOpExpr => &raw mut (*node.cast::<pg_sys::ScalarArrayOpExpr>()).location,
            T_BoolExpr => &raw mut (*node.cast::<pg_sys::BoolExpr>()).location,
            T_CaseExpr => &raw mut (*node.cast::<pg_sys::CaseExpr>()).location,
            T_CoalesceExpr => &raw mut (*node.cast::<pg_sys::CoalesceExpr>()).location,
            T_NullTest => &raw mut (*node.cast::<pg_sys::NullTest>()).location,
            T_BooleanTest => &raw mut (*node.cast::<pg_sys::BooleanTest>()).location,
            T_CoerceViaIO => &raw mut (*node.cast::<pg_sys::CoerceViaIO>()).location,
            T_RelabelType => &raw mut (*node.cast::<pg_sys::RelabelType>()).location,
            _ => return None,
        })
    }
}
