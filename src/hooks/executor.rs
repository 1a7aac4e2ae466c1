//! The fence: a plan carries the fingerprint of the session context that it was made for, and runs for no other.
//!
//! The fingerprint travels in the plan's list of invalidation items, under cache numbers that no cache has: there it is
//! copied with the plan, costs nothing per row and shows in no EXPLAIN. It is compared whenever the executor starts and
//! whenever it goes on, so that a cursor of one membership cannot be fetched from under another.

use super::foreign_key::{self, Phase};
use super::kept_plans::turns;
use super::leakproof::{analyze, serializable};
use super::{deletion, portals, standard};
use crate::audit;
use crate::error::{Error, OrRaise, Result};
use crate::functions::twins;
use crate::node::quiet;
use crate::session::{self, Fingerprint};
use crate::settings;
use crate::triggers::{movement, upsert};
use pgrx::prelude::*;
use std::cell::Cell;

static mut PREVIOUS_START: pg_sys::ExecutorStart_hook_type = None;
static mut PREVIOUS_RUN: pg_sys::ExecutorRun_hook_type = None;
static mut PREVIOUS_FINISH: pg_sys::ExecutorFinish_hook_type = None;

/// The cache number of the fingerprint's first four bytes; the others follow.
const FENCE: i32 = i32::MIN;

/// The cache numbers of its parts, each of four bytes.
const PARTS: std::ops::Range<i32> = FENCE..FENCE + size_of::<Fingerprint>() as i32 / 4;

/// The cache number of what is noted about deletions: no part of the fingerprint.
const DELETION: i32 = FENCE + size_of::<Fingerprint>() as i32;

/// The cache number of what is noted of a plan that asks a statement's conditions before row security's.
const ASKS_FIRST: i32 = DELETION + 1;

/// The cache number of a plan's number among those that are kept.
const SERIAL: i32 = ASKS_FIRST + 1;

/// What every plan depends on that the session's context went into, as PostgreSQL's plan cache sees it: a function that there is not. The cache number
/// is that of functions, the other one stands for the session's context.
const CONTEXT: u32 = 0x_f41a_cce5;

thread_local! {
    static SWITCHING: Cell<bool> = const { Cell::new(false) };
}

/// Has PostgreSQL's plan cache make anew, when they are used next, the plans that the session's context went into. Statements stay as they were analysed
/// and rewritten, and other plans stay.
pub fn renew_plans() {
    /// Whatever a listener does: after this, messages are PostgreSQL's again.
    struct Switching;
    impl Drop for Switching {
        fn drop(&mut self) {
            SWITCHING.set(false);
        }
    }
    SWITCHING.set(true);
    let _switching = Switching;
    // SAFETY: marks plans of the backend as invalid, and tells whoever else listens that some function changed; allowed wherever
    // invalidation callbacks run, which raise no errors.
    unsafe {
        pg_sys::CallSyscacheCallbacks(pg_sys::SysCacheIdentifier::PROCOID as i32, CONTEXT);
    }
}

/// Is it our own message that is being passed on?
pub fn is_switching() -> bool {
    SWITCHING.get()
}

/// Installs the hooks.
pub fn install() {
    // SAFETY: runs once per process, in _PG_init, before any statement.
    unsafe {
        PREVIOUS_START = pg_sys::ExecutorStart_hook;
        pg_sys::ExecutorStart_hook = Some(start);
        PREVIOUS_RUN = pg_sys::ExecutorRun_hook;
        pg_sys::ExecutorRun_hook = Some(run);
        PREVIOUS_FINISH = pg_sys::ExecutorFinish_hook;
        pg_sys::ExecutorFinish_hook = Some(finish);
    }
}

/// Binds `plan` to the context with this fingerprint.
///
/// # Safety
/// `plan` must be a finished plan; the items are allocated in the current memory context, as the plan is.
pub unsafe fn put_fence(plan: *mut pg_sys::PlannedStmt, fingerprint: Fingerprint) {
    for (place, part) in (FENCE..).zip(fingerprint.chunks_exact(4)) {
        let part = <[u8; 4]>::try_from(part)
            .map(u32::from_ne_bytes)
            .unwrap_or_default();
        // SAFETY: by the caller's promise.
        unsafe { put_item(plan, place, part) }
    }
    // SAFETY: as above.
    unsafe { put_context(plan) }
}

/// Has `plan` made anew when the context changes.
///
/// # Safety
/// As for [`put_fence`].
pub unsafe fn put_context(plan: *mut pg_sys::PlannedStmt) {
    // SAFETY: by the caller's promise.
    unsafe { put_item(plan, pg_sys::SysCacheIdentifier::PROCOID as i32, CONTEXT) }
}

/// Has the plan carry a number.
///
/// # Safety
/// As for [`put_fence`].
unsafe fn put_item(plan: *mut pg_sys::PlannedStmt, place: i32, number: u32) {
    // SAFETY: palloc0 gives a zeroed node, every field of which is set.
    unsafe {
        let item =
            pg_sys::palloc0(size_of::<pg_sys::PlanInvalItem>()).cast::<pg_sys::PlanInvalItem>();
        (*item).type_ = pg_sys::NodeTag::T_PlanInvalItem;
        (*item).cacheId = place;
        (*item).hashValue = number;
        (*plan).invalItems = pg_sys::lappend((*plan).invalItems, item.cast());
    }
}

/// Notes in a plan that has its fence what [`super::deletion`] found out about it.
///
/// # Safety
/// As for [`put_fence`].
pub unsafe fn put_deletion(plan: *mut pg_sys::PlannedStmt, relation: pg_sys::Oid) {
    // SAFETY: by the caller's promise.
    unsafe { put_item(plan, DELETION, relation.to_u32()) }
}

/// Notes in a plan that has its fence that it may ask a statement's conditions before row security's.
///
/// # Safety
/// As for [`put_fence`].
pub unsafe fn put_asks_first(plan: *mut pg_sys::PlannedStmt) {
    // SAFETY: by the caller's promise.
    unsafe { put_item(plan, ASKS_FIRST, 0) }
}

/// Is that noted?
///
/// # Safety
/// `plan` must be null or a plan.
unsafe fn asks_first(plan: *const pg_sys::PlannedStmt) -> bool {
    // SAFETY: by the caller's promise.
    unsafe { items(plan) }.any(|item| item.cacheId == ASKS_FIRST)
}

/// The relation that was noted, if one was.
///
/// # Safety
/// `plan` must be null or a plan.
pub unsafe fn deletion_of(plan: *const pg_sys::PlannedStmt) -> Option<pg_sys::Oid> {
    // SAFETY: by the caller's promise.
    if unsafe { plan.as_ref() }?.commandType != pg_sys::CmdType::CMD_DELETE {
        return None;
    }
    // SAFETY: by the caller's promise.
    let noted = unsafe { items(plan) }.find(|item| item.cacheId == DELETION);
    noted.map(|item| pg_sys::Oid::from(item.hashValue))
}

/// Numbers a plan that is kept.
///
/// # Safety
/// As for [`put_fence`].
pub unsafe fn put_serial(plan: *mut pg_sys::PlannedStmt, serial: u32) {
    // SAFETY: by the caller's promise.
    unsafe { put_item(plan, SERIAL, serial) }
}

/// The number of a plan that is kept, or of a copy of it.
///
/// # Safety
/// `plan` must be null or a plan.
pub unsafe fn serial_of(plan: *const pg_sys::PlannedStmt) -> Option<u32> {
    // SAFETY: by the caller's promise.
    let numbered = unsafe { items(plan) }.find(|item| item.cacheId == SERIAL);
    numbered.map(|item| item.hashValue)
}

/// The fingerprint that `plan` is bound to, if any.
///
/// # Safety
/// `plan` must be null or a plan.
pub unsafe fn fence_of(plan: *const pg_sys::PlannedStmt) -> Option<Fingerprint> {
    let mut fingerprint = Fingerprint::default();
    let mut found = false;
    let mut parts = fingerprint.chunks_exact_mut(4);
    // SAFETY: by the caller's promise.
    let mut items = unsafe { items(plan) }.skip_while(|item| !PARTS.contains(&item.cacheId));
    // They are neighbours, in order.
    for (place, part) in PARTS.zip(&mut parts) {
        match items.next() {
            Some(item) if item.cacheId == place => {
                part.copy_from_slice(&item.hashValue.to_ne_bytes());
                found = true;
            }
            // Half of one is the fence of no session.
            _ => break,
        }
    }
    found.then_some(fingerprint)
}

/// The invalidation items of a plan. They are looked at several times for each statement.
///
/// # Safety
/// `plan` must be null or a plan, and stay while the items are looked at.
unsafe fn items<'a>(
    plan: *const pg_sys::PlannedStmt,
) -> impl Iterator<Item = &'a pg_sys::PlanInvalItem> {
    // SAFETY: by the caller's promise; a list has so many elements, and this one holds PlanInvalItems only.
    unsafe {
        let cells = plan.as_ref().and_then(|plan| plan.invalItems.as_ref());
        let cells = cells.map_or(&[][..], |list| {
            let length = usize::try_from(list.length).unwrap_or(0);
            std::slice::from_raw_parts(list.elements, length)
        });
        cells
            .iter()
            .filter_map(|cell| cell.ptr_value.cast::<pg_sys::PlanInvalItem>().as_ref())
    }
}

/// Refuses `plan` when it is bound to another context than the session's; says whether it is bound to one.
///
/// # Safety
/// `plan` must be null or a plan.
pub unsafe fn check_fence(plan: *const pg_sys::PlannedStmt) -> Result<bool> {
    // SAFETY: by the caller's promise.
    match unsafe { fence_of(plan) } {
        Some(fingerprint) if session::current()?.fingerprint != fingerprint => Err(Error::Fence),
        fingerprint => Ok(fingerprint.is_some()),
    }
}

/// Checks that a plan may run; gives the context that it is bound to, if it is.
///
/// # Safety
/// `query` must be valid, with a plan.
unsafe fn check(query: *const pg_sys::QueryDesc) -> Result<Option<Fingerprint>> {
    // SAFETY: by the caller's promise.
    let fence = unsafe { fence_of((*query).plannedstmt) };
    let begun = portals::begun(query);
    if fence.is_some() || begun.is_some() {
        let current = session::current()?.fingerprint;
        if fence.is_some_and(|fence| fence != current)
            || begun.is_some_and(|begun| begun != Some(current))
        {
            return Err(Error::Fence);
        }
    }
    Ok(fence)
}

#[pg_guard]
unsafe extern "C-unwind" fn check_start(query: *const pg_sys::QueryDesc, flags: i32) {
    // SAFETY: called below with a valid query descriptor.
    unsafe {
        // What this statement calls may hold cached plans: a change committed elsewhere must reach them first.
        pg_sys::AcceptInvalidationMessages();
        portals::start();
        portals::settle();
        if let Some(fingerprint) = check(query).or_raise() {
            portals::remember(fingerprint);
            turns::adopt();
        }
        if serializable::is_asked_for() && asks_first((*query).plannedstmt) {
            serializable::lock(query);
        }
        audit::reading(query, flags).or_raise();
    }
}

/// What is found out before a statement runs.
#[repr(C)]
struct Before {
    /// May it ask a statement's conditions before row security's?
    has_twins: bool,
    /// What hangs in the stack of error callbacks meanwhile, the second one above the first; each only if it has a function.
    note: pg_sys::ErrorContextCallback,
    witness: pg_sys::ErrorContextCallback,
}

/// Checks that a plan may run.
#[pg_guard]
unsafe extern "C-unwind" fn before_run(query: *mut pg_sys::QueryDesc) -> Before {
    // SAFETY: called below with a valid query descriptor.
    unsafe {
        let fence = check(query).or_raise();
        analyze::check(|| asks_first((*query).plannedstmt)).or_raise();
        let previous = pg_sys::error_context_stack;
        Before {
            has_twins: fence.is_some() && settings::leakproof_operators(),
            note: foreign_key::callback(query, Phase::Run, fence, previous),
            witness: audit::with_check_callback(query, previous),
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn before_finish(
    query: *const pg_sys::QueryDesc,
) -> pg_sys::ErrorContextCallback {
    // SAFETY: called below with a valid query descriptor.
    unsafe {
        let fence = fence_of((*query).plannedstmt);
        foreign_key::callback(query, Phase::Finish, fence, pg_sys::error_context_stack)
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn after_run(query: *const pg_sys::QueryDesc) {
    settle();
    // SAFETY: called below with a valid query descriptor.
    unsafe { deletion::check(query) }
}

#[pg_guard]
unsafe extern "C-unwind" fn after_finish() {
    settle();
}

/// What a statement's last row came to: the row that an upsert brought was inserted, if nothing was updated instead; one that
/// was deleted was not moved, if it did not arrive elsewhere. What runs past row security has no note of its own, and may be
/// a question (`check()`, say) in the middle of that statement: it decides nothing.
fn settle() {
    turns::settle();
    if !quiet::passes_by_row_security() {
        upsert::settle().or_raise();
        movement::settle().or_raise();
    }
}

/// A plain frame: see [`standard`].
unsafe extern "C-unwind" fn start(query: *mut pg_sys::QueryDesc, flags: i32) {
    // SAFETY: called by PostgreSQL with a valid query descriptor.
    unsafe {
        check_start(query, flags);
        match PREVIOUS_START {
            Some(previous) => previous(query, flags),
            None => standard::standard_executor_start(query, flags),
        }
        deletion::spare_trigger(query);
    }
}

/// A plain frame: see [`standard`].
unsafe extern "C-unwind" fn run(
    query: *mut pg_sys::QueryDesc,
    direction: pg_sys::ScanDirection::Type,
    count: u64,
    once: bool,
) {
    // SAFETY: as above.
    unsafe {
        let mut before = before_run(query);
        if before.has_twins {
            twins::begin();
        }
        let outer = pg_sys::error_context_stack;
        if before.note.callback.is_some() {
            pg_sys::error_context_stack = &mut before.note;
        }
        if before.witness.callback.is_some() {
            before.witness.previous = pg_sys::error_context_stack;
            pg_sys::error_context_stack = &mut before.witness;
        }
        match PREVIOUS_RUN {
            Some(previous) => previous(query, direction, count, once),
            None => standard::standard_executor_run(query, direction, count, once),
        }
        after_run(query);
        pg_sys::error_context_stack = outer;
    }
}

/// Foreign keys are kept here, after the statement's own work. A plain frame: see [`standard`].
unsafe extern "C-unwind" fn finish(query: *mut pg_sys::QueryDesc) {
    // SAFETY: called by PostgreSQL with a valid query descriptor.
    unsafe {
        let mut callback = before_finish(query);
        if callback.callback.is_some() {
            pg_sys::error_context_stack = &mut callback;
        }
        match PREVIOUS_FINISH {
            Some(previous) => previous(query),
            None => standard::standard_executor_finish(query),
        }
        after_finish();
        pg_sys::error_context_stack = callback.previous;
    }
}
