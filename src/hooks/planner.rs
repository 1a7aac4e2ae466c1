//! The planner hook: mask before planning, check after it.

use super::kept_plans::{self, Note};
use super::leakproof::{self, settled, whole};
use super::masking::Rewritten;
use super::{brin, deletion, executor, finished, masking, standard};
use crate::catalog::catalog;
use crate::error::OrRaise;
use crate::{estimates, session};
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
        let mut kept = std::ptr::null_mut();
        let mut note = Note::Nothing;
        find_kept(query, text, options, parameters, &mut kept, &mut note);
        if !kept.is_null() {
            return kept;
        }
        let asked = session::times_asked();
        let mut rewritten = None;
        before(query, parameters, &mut rewritten);
        let mut plan = chain(query, text, options, parameters);
        let mut asks_first = true;
        if let Some(second) = second_form(&rewritten)
            && cost(plan) > WORTH_A_SECOND_LOOK
        {
            let other = chain(second, text, options, parameters);
            if cost(other) < cost(plan) / MUCH {
                plan = other;
                asks_first = false;
            }
        }
        if asks_first {
            let without_twins = if_it_tells(plan, &rewritten, parameters);
            if !without_twins.is_null() {
                plan = chain(without_twins, text, options, parameters);
                asks_first = false;
            }
        }
        after(plan, &rewritten, &note, asked, asks_first);
        plan
    }
}

/// Where PostgreSQL expects a plan to cost more than this, about as long as planning takes, a second form of the statement is
/// planned, too.
const WORTH_A_SECOND_LOOK: f64 = 1000.0;

/// The second form must be so much cheaper. PostgreSQL counts the questions to current rows in the first form as if each row that is
/// read were asked, one by one: it asks those that other conditions leave, and makes a list where they are many.
const MUCH: f64 = 4.0;

/// The rest of the chain. A plain frame.
///
/// # Safety
/// The arguments must be those of the hook.
unsafe fn chain(
    query: *mut pg_sys::Query,
    text: *const c_char,
    options: i32,
    parameters: pg_sys::ParamListInfo,
) -> *mut pg_sys::PlannedStmt {
    // SAFETY: by the caller's promise.
    unsafe {
        match PREVIOUS {
            Some(previous) => previous(query, text, options, parameters),
            None => standard::standard_planner(query, text, options, parameters),
        }
    }
}

fn second_form(rewritten: &Option<Rewritten>) -> Option<*mut pg_sys::Query> {
    rewritten.as_ref().and_then(|rewritten| rewritten.second)
}

/// # Safety
/// `plan` must be a finished plan.
unsafe fn cost(plan: *const pg_sys::PlannedStmt) -> f64 {
    // SAFETY: by the caller's promise; a planned statement has a plan.
    unsafe { (*plan).planTree.as_ref().map_or(0.0, |top| top.total_cost) }
}

#[pg_guard]
unsafe extern "C-unwind" fn find_kept(
    query: *mut pg_sys::Query,
    text: *const c_char,
    options: i32,
    parameters: pg_sys::ParamListInfo,
    plan: &mut *mut pg_sys::PlannedStmt,
    note: &mut Note,
) {
    if catalog().is_some() {
        // SAFETY: as in `plan`.
        let (kept, then) = unsafe { kept_plans::find(query, text, options, parameters) };
        *plan = kept.unwrap_or(std::ptr::null_mut());
        *note = then;
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn before(
    query: *mut pg_sys::Query,
    parameters: pg_sys::ParamListInfo,
    rewritten: &mut Option<Rewritten>,
) {
    estimates::start();
    brin::forget();
    *rewritten = catalog().map(|_| {
        // SAFETY: as in `plan`.
        unsafe { masking::rewrite(query, parameters) }
    });
}

/// The statement to plan in the place of one whose plan could tell of hidden rows, or null.
#[pg_guard]
unsafe extern "C-unwind" fn if_it_tells(
    plan: *const pg_sys::PlannedStmt,
    rewritten: &Option<Rewritten>,
    parameters: pg_sys::ParamListInfo,
) -> *mut pg_sys::Query {
    let before = rewritten
        .as_ref()
        .and_then(|one| one.without_twins.as_ref());
    // SAFETY: a finished plan; the statement has not been planned yet.
    unsafe {
        match before {
            Some(before) if settled::tells(plan, parameters, before.narrowed) => {
                let query = before.query;
                leakproof::hold_back(query, masking::planner_info(query, parameters));
                query
            }
            _ => std::ptr::null_mut(),
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn after(
    plan: *mut pg_sys::PlannedStmt,
    rewritten: &Option<Rewritten>,
    note: &Note,
    asked: u64,
    asks_first: bool,
) {
    let Some(rewritten) = rewritten else {
        return;
    };
    // SAFETY: a finished plan, in the memory context that it was made in.
    unsafe {
        // Functions that were inlined here leave no trace in the tree; the plan still depends on them.
        (*plan).invalItems = pg_sys::list_concat((*plan).invalItems, rewritten.dependencies);
        (*plan).dependsOnRole |= rewritten.depends_on_role;
        // Machine code is made where the first row is looked at, and with client_min_messages = debug1 everybody is told.
        let asks_first = asks_first && rewritten.without_twins.is_some();
        if rewritten.is_large || asks_first {
            (*plan).jitFlags = 0;
        }
        // So it is with parallel workers, whose messages are their leader's, where a policy's own subquery begins with a row.
        if asks_first && whole::has_parallel_subplans(plan) {
            (*plan).parallelModeNeeded = false;
        }
        finished::check(plan).or_raise();
        if let Some(fingerprint) = rewritten.fingerprint {
            executor::put_fence(plan, fingerprint);
            if asks_first {
                executor::put_asks_first(plan);
            }
            if let Some(relation) = rewritten.deletes_what_it_finds {
                deletion::note(plan, relation);
            }
            session::planned(fingerprint);
            kept_plans::note(plan, *note);
        } else if asked != session::times_asked() {
            // A function that says it is immutable, and is not, may have brought what this session sees into the plan.
            executor::put_context(plan);
            session::folded();
        }
    }
}
