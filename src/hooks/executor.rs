//! The fence: a plan carries the fingerprint of the session context that it was made for, and runs for no other.
//!
//! The fingerprint travels in the plan's list of invalidation items, under cache numbers that no cache has: there it is
//! copied with the plan, costs nothing per row and shows in no EXPLAIN. It is compared whenever the executor starts and
//! whenever it goes on, so that a cursor of one membership cannot be fetched from under another.

use super::{portals, standard};
use crate::error::{Error, OrRaise, Result};
use crate::node::{privilege, tree};
use crate::registry;
use crate::session::{self, Fingerprint};
use pgrx::PgList;
use pgrx::pg_sys::panic::{CaughtError, ErrorReport};
use pgrx::prelude::*;

static mut PREVIOUS_START: pg_sys::ExecutorStart_hook_type = None;
static mut PREVIOUS_RUN: pg_sys::ExecutorRun_hook_type = None;

/// The cache number of the fingerprint's first four bytes; the others follow.
const FENCE: i32 = i32::MIN;

/// Installs the hooks.
pub fn install() {
    // SAFETY: runs once per process, in _PG_init, before any statement.
    unsafe {
        PREVIOUS_START = pg_sys::ExecutorStart_hook;
        pg_sys::ExecutorStart_hook = Some(start);
        PREVIOUS_RUN = pg_sys::ExecutorRun_hook;
        pg_sys::ExecutorRun_hook = Some(run);
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
        // SAFETY: palloc0 gives a zeroed node, every field of which is set.
        unsafe {
            let item =
                pg_sys::palloc0(size_of::<pg_sys::PlanInvalItem>()).cast::<pg_sys::PlanInvalItem>();
            (*item).type_ = pg_sys::NodeTag::T_PlanInvalItem;
            (*item).cacheId = place;
            (*item).hashValue = part;
            (*plan).invalItems = pg_sys::lappend((*plan).invalItems, item.cast());
        }
    }
}

/// The fingerprint that `plan` is bound to, if any.
///
/// # Safety
/// `plan` must be null or a plan.
unsafe fn fence_of(plan: *const pg_sys::PlannedStmt) -> Option<Fingerprint> {
    // SAFETY: by the caller's promise; the list holds PlanInvalItems only.
    unsafe {
        let items = PgList::<pg_sys::PlanInvalItem>::from_pg(plan.as_ref()?.invalItems);
        let mut fingerprint = Fingerprint::default();
        let mut found = false;
        for item in items.iter_ptr() {
            let place = (*item).cacheId.wrapping_sub(FENCE);
            if let Some(part) = usize::try_from(place)
                .ok()
                .and_then(|place| fingerprint.chunks_exact_mut(4).nth(place))
            {
                part.copy_from_slice(&(*item).hashValue.to_ne_bytes());
                found = true;
            }
        }
        found.then_some(fingerprint)
    }
}

/// Refuses `plan` when it is bound to another context than the session's.
///
/// # Safety
/// `plan` must be null or a plan.
unsafe fn check_fence(plan: *const pg_sys::PlannedStmt) -> Result<()> {
    // SAFETY: by the caller's promise.
    match unsafe { fence_of(plan) } {
        Some(fingerprint) if session::current()?.fingerprint != fingerprint => Err(Error::Fence),
        _ => Ok(()),
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn check(query: *const pg_sys::QueryDesc) {
    // SAFETY: called below with a valid query descriptor.
    unsafe { check_fence((*query).plannedstmt).or_raise() }
}

#[pg_guard]
unsafe extern "C-unwind" fn check_start(query: *const pg_sys::QueryDesc) {
    // SAFETY: called below with a valid query descriptor.
    unsafe {
        portals::settle();
        check(query);
        if let Some(fingerprint) = fence_of((*query).plannedstmt) {
            portals::remember(fingerprint);
        }
    }
}

/// A plain frame: see [`standard`].
unsafe extern "C-unwind" fn start(query: *mut pg_sys::QueryDesc, flags: i32) {
    // SAFETY: called by PostgreSQL with a valid query descriptor.
    unsafe {
        check_start(query);
        match PREVIOUS_START {
            Some(previous) => previous(query, flags),
            None => standard::standard_executor_start(query, flags),
        }
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
        check(query);
        if is_foreign_key_action(query) {
            run_discreetly(query, direction, count, once);
            return;
        }
        next_run(query, direction, count, once);
    }
}

/// A plain frame, too.
unsafe extern "C-unwind" fn next_run(
    query: *mut pg_sys::QueryDesc,
    direction: pg_sys::ScanDirection::Type,
    count: u64,
    once: bool,
) {
    // SAFETY: as above.
    unsafe {
        match PREVIOUS_RUN {
            Some(previous) => previous(query, direction, count, once),
            None => standard::standard_executor_run(query, direction, count, once),
        }
    }
}

/// Does PostgreSQL run this statement to keep a foreign key of a protected relation? Then it runs as the table's owner,
/// past row security, for a user who may not see the rows it touches.
#[pg_guard]
unsafe extern "C-unwind" fn is_foreign_key_action(query: *const pg_sys::QueryDesc) -> bool {
    // SAFETY: a valid query descriptor with a plan.
    unsafe {
        pg_sys::InNoForceRLSOperation()
            && privilege::writer_is_subject()
            && tree::range_table((*(*query).plannedstmt).rtable)
                .into_iter()
                .any(|entry| {
                    (*entry).rtekind == pg_sys::RTEKind::RTE_RELATION
                        && registry::protected((*entry).relid).or_raise().is_some()
                })
    }
}

/// Runs such a statement, and leaves the details out of its errors: to the table's owner PostgreSQL would show the row.
#[pg_guard]
unsafe extern "C-unwind" fn run_discreetly(
    query: *mut pg_sys::QueryDesc,
    direction: pg_sys::ScanDirection::Type,
    count: u64,
    once: bool,
) {
    PgTryBuilder::new(|| {
        // SAFETY: the arguments of the hook; an error becomes a panic here.
        unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| next_run(query, direction, count, once)) }
    })
    .catch_others(|cause| match cause {
        CaughtError::PostgresError(error) => {
            ErrorReport::new(
                error.sql_error_code(),
                error.message().to_owned(),
                "foreign key action",
            )
            .report(PgLogLevel::ERROR);
        }
        other => other.rethrow(),
    })
    .execute();
}
