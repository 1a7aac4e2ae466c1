//! Refusals that are PostgreSQL's own: a new row that row security's `WITH CHECK` does not let through. That happens where
//! the write trigger had nothing against it: `RETURNING` of a row that may not be read, a restrictive policy of the table's
//! owner, a later trigger that changed the row.
//!
//! Nothing tells of such an error but the stack of error callbacks, which PostgreSQL calls while it reports one, also where
//! the error is caught later.

use super::level::Level;
use super::{actor, line, writes};
use crate::node::{privilege, relation, tree};
use crate::registry::{self, Protected};
use crate::settings;
use audit_event::{Event, Kind, Outcome};
use pgrx::PgMemoryContexts;
use pgrx::prelude::*;
use std::ffi::{CStr, c_void};
use std::rc::Rc;

/// In the untranslated message of each such error.
const VIOLATES: &str = "violates row-level security policy";

/// What hangs in the stack of error callbacks while `query` writes, where refusals are asked for; without a function
/// otherwise.
///
/// # Safety
/// `query` must be valid, with a plan, as long as this hangs there.
pub unsafe fn callback(
    query: *mut pg_sys::QueryDesc,
    previous: *mut pg_sys::ErrorContextCallback,
) -> pg_sys::ErrorContextCallback {
    // SAFETY: by the caller's promise.
    let writes = settings::audit() >= Level::Denied
        && unsafe { !(*(*query).plannedstmt).resultRelations.is_null() };
    pg_sys::ErrorContextCallback {
        previous,
        callback: writes.then_some(witness as unsafe extern "C-unwind" fn(*mut c_void)),
        arg: query.cast(),
    }
}

/// Looks at an error that is being reported.
#[pg_guard]
unsafe extern "C-unwind" fn witness(argument: *mut c_void) {
    // SAFETY: called by PostgreSQL while an error is being reported, with the argument that `callback` gave.
    unsafe {
        let code = PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE as i32;
        if pg_sys::geterrcode() != code || !is_innermost(argument) {
            return;
        }
        let query = argument.cast::<pg_sys::QueryDesc>();
        // The copy must not be made where errors are built.
        let message = PgMemoryContexts::TopTransactionContext.switch_to(|_| {
            let error = pg_sys::CopyErrorData();
            let text = |text: *const std::ffi::c_char| {
                (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
            };
            let violates = text((*error).message_id).is_some_and(|id| id.contains(VIOLATES));
            let message = text((*error).message).filter(|_| violates);
            pg_sys::FreeErrorData(error);
            message
        });
        if let Some(message) = message {
            record(query, &message);
        }
    }
}

/// Statements that run within others hang above them in the stack: the error is the innermost one's.
///
/// # Safety
/// The stack must be valid.
unsafe fn is_innermost(argument: *mut c_void) -> bool {
    let ours = witness as unsafe extern "C-unwind" fn(*mut c_void);
    // SAFETY: the stack is a list of callbacks, each alive as long as it hangs there.
    unsafe {
        let mut callback = pg_sys::error_context_stack;
        while let Some(entry) = callback.as_ref() {
            if entry
                .callback
                .is_some_and(|found| std::ptr::fn_addr_eq(found, ours))
            {
                return entry.arg == argument;
            }
            callback = entry.previous;
        }
        false
    }
}

/// # Safety
/// `query` must be valid, with a plan.
unsafe fn record(query: *const pg_sys::QueryDesc, message: &str) {
    // SAFETY: by the caller's promise.
    let (command, written) = unsafe { ((*query).operation, written((*query).plannedstmt)) };
    // PostgreSQL's message names the table without its schema.
    let named = |protected: &&Rc<Protected>| {
        relation::name(protected.relation).is_some_and(|name| message.contains(&name))
    };
    let Some(protected) = written.iter().find(named) else {
        return;
    };
    let kind = match command {
        pg_sys::CmdType::CMD_INSERT => Kind::Create,
        _ => Kind::Update,
    };
    let actor = actor::actor(privilege::writer());
    let mut event = Event::new(kind, Outcome::Refused, &actor);
    event.recorded = line::now();
    event.description = Some(format!("42501: {message}"));
    let entity = writes::entity(protected.relation, protected.one_type());
    event.entities.push(entity);
    // The error is on its way already.
    let _ = line::record(&event);
}

/// The protected relations that a plan writes to, by the names that the statement gave them.
///
/// # Safety
/// `plan` must be a finished plan.
unsafe fn written(plan: *const pg_sys::PlannedStmt) -> Vec<Rc<Protected>> {
    let writes = (pg_sys::ACL_INSERT | pg_sys::ACL_UPDATE) as pg_sys::AclMode;
    // SAFETY: by the caller's promise.
    unsafe {
        tree::range_table((*plan).rtable)
            .into_iter()
            .filter(|entry| {
                (**entry).rtekind == pg_sys::RTEKind::RTE_RELATION
                    && (**entry).requiredPerms & writes != 0
            })
            .filter_map(|entry| registry::protected((*entry).relid).ok().flatten())
            .collect()
    }
}
