//! What the planner knows of a relation, when it begins to.

use super::{brin, leakproof, lookups, statistics};
use pgrx::prelude::*;

static mut PREVIOUS: pg_sys::get_relation_info_hook_type = None;

/// Installs the hook.
pub fn install() {
    // SAFETY: runs once per process, in _PG_init, before any statement.
    unsafe {
        PREVIOUS = pg_sys::get_relation_info_hook;
        pg_sys::get_relation_info_hook = Some(known);
    }
}

/// A plain frame: see [`super::standard`].
unsafe extern "C-unwind" fn known(
    root: *mut pg_sys::PlannerInfo,
    oid: pg_sys::Oid,
    with_children: bool,
    relation: *mut pg_sys::RelOptInfo,
) {
    // SAFETY: called by the planner with a relation that it begins to know; the previous hook gets the same.
    unsafe {
        if let Some(previous) = PREVIOUS {
            previous(root, oid, with_children, relation);
        }
        statistics::hide(root, oid, relation);
        lookups::watch(oid, relation);
        brin::watch(relation);
        leakproof::expressions::open_expressions(root, relation);
    }
}
