//! Deletions that the plan decides alone.
//!
//! A `DELETE` finds the rows that may be read, and the trigger refuses those of them that may not be deleted. Where the
//! membership's policies grant both on the same rows, it has nothing to refuse: what the plan finds, by predicates that
//! PostgreSQL asks again of a row that somebody changes meanwhile, may be deleted. For the trigger alone PostgreSQL would lock,
//! fetch and copy each row, which is most of what a large `DELETE` costs.
//!
//! So the trigger is spared, in this one statement, where all of this holds; in any other it fires:
//!
//! * the planner's hook has seen the statement, found the predicates in their place, and compared them ([`needs_no_more`]);
//! * it is a plain `DELETE` from a plain table, and nothing else in the statement writes;
//! * the plan has its fence, which the executor's start has just compared with the session;
//! * no other `BEFORE DELETE` trigger may have a say in what is deleted, and no line of an audit trail is wanted.
//!
//! The trigger would also notice that the session has been switched under it. That is looked at when the statement is done.

use super::executor;
use crate::audit::{self, About};
use crate::catalog;
use crate::error::{Error, OrRaise, Result};
use crate::node::trigger;
use crate::registry::Protected;
use crate::session::Session;
use access_policy::Interaction;
use pgrx::prelude::*;
use std::ffi::CStr;

/// Is `query` a `DELETE` beside which nothing else in the statement writes?
///
/// # Safety
/// `query` must be a query.
pub unsafe fn is_simple(query: *const pg_sys::Query) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        (*query).commandType == pg_sys::CmdType::CMD_DELETE
            && !(*query).hasModifyingCTE
            && (*query).canSetTag
    }
}

/// May every row of the table that the session may read be deleted, as the predicates alone tell?
pub fn needs_no_more(session: &Session, protected: &Protected) -> Result<bool> {
    let Some(resource_type) = protected.one_type().filter(|_| protected.history.is_none()) else {
        return Ok(false);
    };
    let found = session.reach(resource_type, Interaction::Search)?;
    let deleted = session.reach(resource_type, Interaction::Delete)?;
    Ok(!deleted.asks_elsewhere() && deleted.is_as_search(&found))
}

/// Notes in a finished plan, which has its fence, that all rows which it finds in `relation` may be deleted.
///
/// # Safety
/// `plan` must be a finished plan, in the memory context that it was made in.
pub unsafe fn note(plan: *mut pg_sys::PlannedStmt, relation: pg_sys::Oid) {
    // SAFETY: by the caller's promise.
    unsafe { executor::put_deletion(plan, relation) }
}

/// Spares the trigger, where the plan says that it may be spared. The description of triggers that is changed is this
/// statement's own copy.
#[pg_guard]
pub unsafe extern "C-unwind" fn spare_trigger(query: *mut pg_sys::QueryDesc) {
    // SAFETY: called with a query descriptor whose executor was started.
    unsafe {
        let Some(relation) = executor::deletion_of((*query).plannedstmt) else {
            return;
        };
        if audit::records_writes() || !catalog::preloaded() {
            return;
        }
        if let Some(target) = target(query)
            && (*(*target).ri_RelationDesc).rd_id == relation
            && (*(*(*target).ri_RelationDesc).rd_rel).relkind as u8 == pg_sys::RELKIND_RELATION
            && let Some(triggers) = (*target).ri_TrigDesc.as_mut()
            && is_ours_alone(triggers)
        {
            triggers.trig_delete_before_row = false;
        }
    }
}

/// Refuses a `DELETE` without its trigger that has deleted something, and whose session is another by now: as the trigger would
/// have.
///
/// # Safety
/// `query` must have been run.
pub unsafe fn check(query: *const pg_sys::QueryDesc) {
    // SAFETY: by the caller's promise.
    unsafe {
        let Some(relation) = executor::deletion_of((*query).plannedstmt) else {
            return;
        };
        let fires = || {
            target(query)
                .and_then(|target| (*target).ri_TrigDesc.as_ref())
                .is_none_or(|triggers| triggers.trig_delete_before_row)
        };
        if (*(*query).estate).es_processed == 0 || fires() {
            return;
        }
        let about = |error: Error| {
            error.about(relation).recorded(About {
                relation: Some(relation),
                interaction: Some(Interaction::Delete),
                ..About::default()
            })
        };
        executor::check_fence((*query).plannedstmt)
            .map_err(about)
            .or_raise();
    }
}

/// The only relation that a `DELETE` writes to.
///
/// # Safety
/// `query` must be a query descriptor whose executor was started.
unsafe fn target(query: *const pg_sys::QueryDesc) -> Option<*mut pg_sys::ResultRelInfo> {
    // SAFETY: by the caller's promise; a node's tag says what it is.
    unsafe {
        let state = (*query).planstate;
        if state.is_null() || !pgrx::is_a(state.cast(), pg_sys::NodeTag::T_ModifyTableState) {
            return None;
        }
        let state = &*state.cast::<pg_sys::ModifyTableState>();
        let is_only = state.operation == pg_sys::CmdType::CMD_DELETE && state.mt_nrels == 1;
        (is_only && !state.resultRelInfo.is_null()).then_some(state.resultRelInfo)
    }
}

/// Is the extension's trigger the only one that fires before a row is deleted? That it is the extension's, and fires always, the
/// planner's hook has made sure of, and a change of it makes a new plan.
///
/// # Safety
/// `triggers` must be the description of a relation's triggers.
unsafe fn is_ours_alone(triggers: &pg_sys::TriggerDesc) -> bool {
    let before_delete = (pg_sys::TRIGGER_TYPE_ROW
        | pg_sys::TRIGGER_TYPE_BEFORE
        | pg_sys::TRIGGER_TYPE_DELETE) as i16;
    let mask = before_delete | pg_sys::TRIGGER_TYPE_INSTEAD as i16;
    let count = usize::try_from(triggers.numtriggers).unwrap_or(0);
    if triggers.triggers.is_null() {
        return false;
    }
    // SAFETY: by the caller's promise, so many are there, each with a name.
    unsafe {
        let all = std::slice::from_raw_parts(triggers.triggers, count);
        let mut firing = all
            .iter()
            .filter(|trigger| trigger.tgtype & mask == before_delete);
        let is_ours = firing
            .next()
            .is_some_and(|trigger| CStr::from_ptr(trigger.tgname) == trigger::NAME);
        is_ours && firing.next().is_none()
    }
}
