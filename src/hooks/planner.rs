//! The planner hook: mask before planning, check after it.

use super::masking::Rewritten;
use super::{executor, finished, masking, standard};
use crate::catalog::catalog;
use crate::error::OrRaise;
use pgrx::prelude::*;
use std::ffi::c_char;

static mut PREVIOUS: pg_sys::planner_hook_type = None;

/// Installs the hook.
pub fn install() {
    // SAFETY: runs once per process, in _PG_init, before any statement.
    unsafe {
        PREVIOUS = pg_sys::planner_hook;
        pg_sys::planner_hook = Some(plan);
    }
}

/// A plain frame: see [`standard`].
unsafe extern "C-unwind" fn plan(
    query: *mut pg_sys::Query,
    text: *const c_char,
    options: i32,
    parameters: pg_sys::ParamListInfo,
) -> *mut pg_sys::PlannedStmt {
    // SAFETY: called by PostgreSQL with a rewritten query that the planner may scribble on; the previous hook, or the
    // standard planner, gets the same arguments.
    unsafe {
        let mut rewritten = None;
        before(query, parameters, &mut rewritten);
        let plan = match PREVIOUS {
            Some(previous) => previous(query, text, options, parameters),
            None => standard::standard_planner(query, text, options, parameters),
        };
        after(plan, &rewritten);
        plan
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn before(
    query: *mut pg_sys::Query,
    parameters: pg_sys::ParamListInfo,
    rewritten: &mut Option<Rewritten>,
) {
    // SAFETY: as in `plan`.
    *rewritten = catalog().map(|_| unsafe { masking::rewrite(query, parameters) });
}

#[pg_guard]
unsafe extern "C-unwind" fn after(plan: *mut pg_sys::PlannedStmt, rewritten: &Option<Rewritten>) {
    let Some(rewritten) = rewritten else {
        return;
    };
    // SAFETY: a finished plan, in the memory context that it was made in.
    unsafe {
        // Functions that were inlined here leave no trace in the tree; the plan still depends on them.
        (*plan).invalItems = pg_sys::list_concat((*plan).invalItems, rewritten.dependencies);
        (*plan).dependsOnRole |= rewritten.depends_on_role;
        if rewritten.is_large {
            (*plan).jitFlags = 0;
        }
        finished::check(plan).or_raise();
        if let Some(fingerprint) = rewritten.fingerprint {
            executor::put_fence(plan, fingerprint);
        }
    }
}
