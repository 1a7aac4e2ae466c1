//! What became of a statement with twins: could any of it tell which hidden rows its conditions have met, apart from its answer?
//!
//! That is asked of the finished plan, where PostgreSQL is done with folding, merging and moving: what stands at the scans of
//! protected tables is what is run for hidden rows, and nothing else is. A condition there is harmless
//!
//! * if it is ours, or the condition of an index on some of the rows, which is asked of every row that is written;
//! * if each part of it is [silent](Silent): it raises no error, does nothing else, and is worked out for the row alone;
//! * or if it is a filter that comes after all of row security's because PostgreSQL itself takes it to leak ([`Scans::waits`]). What an index
//!   is asked, or asked again, comes before them, and what it orders rows by waits for nothing: beside twins and index functions, that
//!   has to be silent.
//!
//! What is none of these reads no column: `1 / current_setting('zero')::int = 1`, `set_config(…) IS NOT NULL`, `(SELECT …)`. PostgreSQL
//! takes it not to leak, and may run it for a hidden row: `CASE WHEN born = '1950' THEN 1 / current_setting('zero')::int = 1 END`.
//! Then the statement is planned again, without twins.
//!
//! So it is where a policy's condition looks other resources up ([`looks_up`]): that locks their tables, and fails where a function has
//! switched the session, if there is a row to ask about.

use super::silent::{Silent, is_leakproof};
use super::whole::{Borrows, gather, looks_up};
use crate::catalog::catalog;
use crate::hooks::{finished, masking};
use crate::node::call::Call;
use crate::node::tree::{self, Visitor};
use crate::node::{index, origin};
use pgrx::PgList;
use pgrx::prelude::*;
use std::collections::HashSet;

/// Nodes of a plan that call each other, those of all its subqueries together. Each takes stack, and a row is met below all of them, where a
/// [twin](crate::functions::twins) asks for room. Nested functions that return sets have a node each, in one query.
const DEEPEST: usize = 500;

/// Could a plan tell? Where it is [narrowed](super::Before::narrowed), no filter is known to come last.
///
/// # Safety
/// `plan` must be a finished plan, `parameters` those that it was made with, or null.
pub unsafe fn tells(
    plan: *const pg_sys::PlannedStmt,
    parameters: pg_sys::ParamListInfo,
    narrowed: bool,
) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        let mut plans = Vec::new();
        let mut depth = gather((*plan).planTree, &mut plans);
        for subplan in PgList::<pg_sys::Plan>::from_pg((*plan).subplans).iter_ptr() {
            depth += gather(subplan, &mut plans);
        }
        if depth > DEEPEST {
            return true;
        }
        let mut lazy = HashSet::new();
        for node in &plans {
            for initial in PgList::<pg_sys::SubPlan>::from_pg((**node).initPlan).iter_ptr() {
                let numbers = PgList::<std::ffi::c_void>::from_pg((*initial).setParam);
                lazy.extend(numbers.iter_int());
            }
        }
        let mut borrows = Borrows(false);
        for condition in plans.iter().flat_map(|node| finished::conditions(*node)) {
            tree::visit(condition, &mut borrows);
        }
        let entries = tree::range_table((*plan).rtable);
        plans.retain(|node| {
            finished::scanned(*node).is_some_and(|number| is_protected(&entries, number))
        });
        if looks_up(&plans) && plans.iter().any(|scan| asks_ours(*scan)) {
            return true;
        }
        let mut scans = Scans {
            predicates: plans.iter().flat_map(|scan| predicates(*scan)).collect(),
            silent: Silent::new(lazy, parameters),
            narrowed,
        };
        borrows.0 || plans.into_iter().any(|scan| scans.tells(scan))
    }
}

/// The scans of protected tables in a plan.
struct Scans {
    /// Conditions of indexes on some of the rows, of which rows are asked again that a bitmap has found.
    predicates: Vec<*mut pg_sys::Node>,
    silent: Silent,
    narrowed: bool,
}

impl Scans {
    /// # Safety
    /// `scan` must be one of them.
    unsafe fn tells(&mut self, scan: *mut pg_sys::Plan) -> bool {
        // SAFETY: by the caller's promise.
        unsafe {
            let distance = distances(scan);
            if asks_ours(scan)
                && parts(distance)
                    .into_iter()
                    .any(|distance| !self.silent.is_all_of(distance))
            {
                return true;
            }
            let filter: *mut pg_sys::Node = (*scan).qual.cast();
            let filters = parts(filter);
            let ours = filters.iter().rposition(|filter| is_ours(*filter));
            let mut told = false;
            for (place, filter) in filters.into_iter().enumerate() {
                let comes_last = !self.narrowed && ours.is_none_or(|ours| place > ours);
                told |= !(self.is_harmless(filter) || comes_last && self.waits(filter));
            }
            told || finished::conditions(scan)
                .into_iter()
                .filter(|conditions| *conditions != filter && *conditions != distance)
                .flat_map(|conditions| parts(conditions))
                .any(|condition| !self.is_harmless(condition))
        }
    }

    /// Does a filter wait for row security's because PostgreSQL took it to [leak](leaks)? Of what it knows to be equal, PostgreSQL puts
    /// equalities together itself, which do not wait if what they come from did not: their sides tell. One that reads no column may come
    /// from a policy of another table, which somebody may have made of his own: with it, equalities are asked as early as row security's.
    ///
    /// # Safety
    /// `filter` must be one of a finished plan's scan.
    unsafe fn waits(&mut self, filter: *mut pg_sys::Node) -> bool {
        // SAFETY: by the caller's promise.
        unsafe {
            match equated(filter) {
                None => leaks(filter),
                Some(sides) => {
                    sides
                        .into_iter()
                        .any(|side| leaks(side) && pg_sys::contain_var_clause(side))
                        || sides.into_iter().all(|side| self.silent.is_all_of(side))
                            && leaks(filter)
                }
            }
        }
    }

    /// # Safety
    /// `condition` must be one of a finished plan's scan.
    unsafe fn is_harmless(&mut self, condition: *mut pg_sys::Node) -> bool {
        // SAFETY: by the caller's promise.
        unsafe {
            pg_sys::check_stack_depth();
            let is_it = |other: &*mut pg_sys::Node| pg_sys::equal(condition.cast(), other.cast());
            origin::is_ours(condition)
                || self.silent.is_all_of(condition)
                || self.predicates.iter().any(is_it)
                || joined(condition)
                    .is_some_and(|parts| parts.into_iter().all(|part| self.is_harmless(part)))
        }
    }
}

/// The two sides of an equality that PostgreSQL may have put together.
///
/// # Safety
/// `condition` must be one of a finished plan's.
unsafe fn equated(condition: *mut pg_sys::Node) -> Option<[*mut pg_sys::Node; 2]> {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        if !pgrx::is_a(condition, pg_sys::NodeTag::T_OpExpr) {
            return None;
        }
        let operator = &*condition.cast::<pg_sys::OpExpr>();
        let arguments = PgList::<pg_sys::Node>::from_pg(operator.args);
        let sides = [arguments.get_ptr(0)?, arguments.get_ptr(1)?];
        pg_sys::op_mergejoinable(operator.opno, pg_sys::exprType(sides[0])).then_some(sides)
    }
}

/// What `AND`, `OR` or `NOT` joins.
///
/// # Safety
/// `condition` must be one of a finished plan's.
unsafe fn joined(condition: *mut pg_sys::Node) -> Option<Vec<*mut pg_sys::Node>> {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        pgrx::is_a(condition, pg_sys::NodeTag::T_BoolExpr)
            .then(|| parts((*condition.cast::<pg_sys::BoolExpr>()).args.cast()))
    }
}

/// Is a condition ours, or put together by the planner of such?
///
/// # Safety
/// `condition` must be one of a finished plan's.
unsafe fn is_ours(condition: *mut pg_sys::Node) -> bool {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        pg_sys::check_stack_depth();
        origin::is_ours(condition)
            || joined(condition).is_some_and(|parts| parts.into_iter().all(|part| is_ours(part)))
    }
}

/// The condition of the index that a bitmap is made of.
///
/// # Safety
/// `plan` must be a plan.
unsafe fn predicates(plan: *mut pg_sys::Plan) -> Vec<*mut pg_sys::Node> {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        if !pgrx::is_a(plan.cast(), pg_sys::NodeTag::T_BitmapIndexScan) {
            return Vec::new();
        }
        let scan = &*plan.cast::<pg_sys::BitmapIndexScan>();
        index::predicates(scan.indexid, scan.scan.scanrelid)
    }
}

/// What an index orders rows by, which waits for no condition.
///
/// # Safety
/// `plan` must be a plan.
unsafe fn distances(plan: *mut pg_sys::Plan) -> *mut pg_sys::Node {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        match (*plan).type_ {
            pg_sys::NodeTag::T_IndexScan => {
                (*plan.cast::<pg_sys::IndexScan>()).indexorderbyorig.cast()
            }
            pg_sys::NodeTag::T_IndexOnlyScan => {
                (*plan.cast::<pg_sys::IndexOnlyScan>()).indexorderby.cast()
            }
            _ => std::ptr::null_mut(),
        }
    }
}

/// Does a condition of this scan ask a twin, or an index function? Without them it is as under any row security. One that is ours may be
/// the statement's question to a masked document.
///
/// # Safety
/// `plan` must be a scan.
unsafe fn asks_ours(plan: *mut pg_sys::Plan) -> bool {
    struct Asks(bool);
    impl Visitor for Asks {
        unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
            // SAFETY: a node is looked at as what its tag says; look-ups in the catalogs.
            unsafe {
                self.0 |= Call::of(node).is_some_and(|call| {
                    let function = call.function();
                    is_leakproof(function)
                        && catalog()
                            .is_none_or(|ours| pg_sys::get_func_namespace(function) == ours.schema)
                });
            }
            !self.0
        }
    }
    let mut asks = Asks(false);
    // SAFETY: by the caller's promise.
    unsafe {
        let distance = distances(plan);
        finished::conditions(plan)
            .into_iter()
            .filter(|condition| *condition != distance)
            .for_each(|condition| tree::visit(condition, &mut asks));
        // What an index alone is asked shows its columns, not what they are made of.
        asks.0 || pgrx::is_a(plan.cast(), pg_sys::NodeTag::T_IndexOnlyScan)
    }
}

/// Is the entry with this number one of a protected table? What joins scans itself (a custom scan) may be.
fn is_protected(entries: &[*mut pg_sys::RangeTblEntry], number: pg_sys::Index) -> bool {
    let place = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
    let entry = place.and_then(|place| entries.get(place));
    // SAFETY: an entry of the plan's range table.
    entry.is_none_or(|entry| unsafe { masking::is_marked(*entry) })
}

/// The conditions of a list that are joined by AND, or the one that it is.
///
/// # Safety
/// `conditions` must be null, an expression or a list of them.
unsafe fn parts(conditions: *mut pg_sys::Node) -> Vec<*mut pg_sys::Node> {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        if conditions.is_null() {
            Vec::new()
        } else if pgrx::is_a(conditions, pg_sys::NodeTag::T_List) {
            PgList::<pg_sys::Node>::from_pg(conditions.cast())
                .iter_ptr()
                .collect()
        } else {
            vec![conditions]
        }
    }
}

/// Did PostgreSQL take a condition to leak? It did if a function that is not leakproof is given a column, or if there is something
/// in it that PostgreSQL does not know; neither can have come into it later.
///
/// # Safety
/// `condition` must be an expression of a finished plan's.
unsafe fn leaks(condition: *mut pg_sys::Node) -> bool {
    struct Leaks(bool);
    impl Visitor for Leaks {
        unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
            use pg_sys::NodeTag::*;
            // SAFETY: a node is looked at as what its tag says.
            unsafe {
                self.0 |= match (*node).type_ {
                    T_CoalesceExpr | T_SubPlan | T_XmlExpr | T_CoerceToDomain => true,
                    T_CoerceViaIO => {
                        let arg = (*node.cast::<pg_sys::CoerceViaIO>()).arg.cast();
                        pg_sys::contain_var_clause(arg) && converts_aloud(&*node.cast())
                    }
                    _ => Call::of(node).is_some_and(|call| {
                        !is_leakproof(call.function()) && pg_sys::contain_var_clause(node)
                    }),
                };
            }
            !self.0
        }
    }
    let mut leaks = Leaks(false);
    // SAFETY: by the caller's promise.
    unsafe { tree::visit(condition, &mut leaks) };
    leaks.0
}

/// Does PostgreSQL take a conversion by way of text to leak, whatever stands in it?
///
/// # Safety
/// `conversion` must be one.
unsafe fn converts_aloud(conversion: &pg_sys::CoerceViaIO) -> bool {
    // SAFETY: by the caller's promise; the copy lives as long as the look at it.
    unsafe {
        let from = conversion.arg.cast();
        let (kind, modifier) = (pg_sys::exprType(from), pg_sys::exprTypmod(from));
        let column = pg_sys::makeVar(1, 1, kind, modifier, pg_sys::exprCollation(from), 0);
        let mut bare = *conversion;
        bare.arg = column.cast();
        pg_sys::contain_leaked_vars((&raw mut bare).cast())
    }
}
