//! What is found in a whole plan: its nodes, parallel workers of subqueries, look-ups, operators that somebody has made.

use super::rules;
use super::silent::is_leakproof;
use crate::hooks::finished;
use crate::node::call::Call;
use crate::node::tree::{self, Visitor};
use pgrx::PgList;
use pgrx::prelude::*;

/// All nodes of a plan but those of its subqueries in expressions, which are in a list of their own. Says how deep it is.
///
/// # Safety
/// `plan` must be null or a plan.
pub unsafe fn gather(plan: *mut pg_sys::Plan, all: &mut Vec<*mut pg_sys::Plan>) -> usize {
    use pg_sys::NodeTag::*;
    if plan.is_null() {
        return 0;
    }
    all.push(plan);
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        pg_sys::check_stack_depth();
        let mut below = gather((*plan).lefttree, all).max(gather((*plan).righttree, all));
        let list = match (*plan).type_ {
            T_SubqueryScan => {
                return 1 + gather((*plan.cast::<pg_sys::SubqueryScan>()).subplan, all);
            }
            T_Append => (*plan.cast::<pg_sys::Append>()).appendplans,
            T_MergeAppend => (*plan.cast::<pg_sys::MergeAppend>()).mergeplans,
            T_BitmapAnd => (*plan.cast::<pg_sys::BitmapAnd>()).bitmapplans,
            T_BitmapOr => (*plan.cast::<pg_sys::BitmapOr>()).bitmapplans,
            T_CustomScan => (*plan.cast::<pg_sys::CustomScan>()).custom_plans,
            _ => return below + 1,
        };
        for plan in PgList::<pg_sys::Plan>::from_pg(list).iter_ptr() {
            below = below.max(gather(plan, all));
        }
        below + 1
    }
}

/// Does any subquery of a plan ask parallel workers?
///
/// # Safety
/// `plan` must be a finished plan.
pub unsafe fn has_parallel_subplans(plan: *const pg_sys::PlannedStmt) -> bool {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        let mut plans = Vec::new();
        if (*plan).parallelModeNeeded {
            for subplan in PgList::<pg_sys::Plan>::from_pg((*plan).subplans).iter_ptr() {
                gather(subplan, &mut plans);
            }
        }
        plans.into_iter().any(|node| {
            matches!(
                (*node).type_,
                pg_sys::NodeTag::T_Gather | pg_sys::NodeTag::T_GatherMerge
            )
        })
    }
}

/// Does a policy's condition look something up, row by row: what a Binary is attached to? A history asks that of current rows, in
/// scans of their own.
///
/// # Safety
/// `scans` must be those of a finished plan.
pub unsafe fn looks_up(scans: &[*mut pg_sys::Plan]) -> bool {
    let function = crate::catalog::function(c"security_context_readable", &[pg_sys::JSONBOID]);
    let Some(function) = function else {
        return false;
    };
    let mut found = LooksUp {
        function,
        found: false,
    };
    // SAFETY: by the caller's promise.
    unsafe {
        for condition in scans.iter().flat_map(|scan| finished::conditions(*scan)) {
            tree::visit(condition, &mut found);
        }
    }
    found.found
}

/// Is a resource looked up by an expression?
struct LooksUp {
    function: pg_sys::Oid,
    found: bool,
}

impl Visitor for LooksUp {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        // SAFETY: a node is looked at as what its tag says.
        self.found |=
            unsafe { Call::of(node) }.is_some_and(|call| call.function() == self.function);
        !self.found
    }
}

/// Is there an operator that somebody has made of a leakproof function? It may have been in a function's body, and is estimated by
/// statistics of rows that nobody may see.
pub struct Borrows(pub bool);

impl Visitor for Borrows {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        // SAFETY: a node is looked at as what its tag says.
        unsafe {
            if let Some(call) = Call::of(node).filter(Call::is_operators) {
                self.0 |= call.operator.to_u32() >= pg_sys::FirstNormalObjectId
                    && is_leakproof(call.function())
                    && rules::is_made(call.operator);
            }
        }
        !self.0
    }
}
