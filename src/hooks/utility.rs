//! Utility statements: `FETCH` and `MOVE` on a portal that keeps rows of another session context, and `COPY` of a
//! relation whose row security somebody switched off. `COPY` from one where it is on becomes a query, and is planned; so does
//! `COPY` into one, in [`copy`]. `DISCARD` is for kept plans, too.

use super::kept_plans::turns;
use super::leakproof::analyze;
use super::{copy, kept_plans, masking, portals, standard};
use crate::audit;
use crate::error::{Error, OrRaise};
use crate::node::{privilege, relation, trigger};
use crate::registry;
use pgrx::PgList;
use pgrx::prelude::*;
use std::ffi::{CStr, c_char};

static mut PREVIOUS: pg_sys::ProcessUtility_hook_type = None;

/// Installs the hook.
pub fn install() {
    // SAFETY: runs once per process, in _PG_init, before any statement.
    unsafe {
        PREVIOUS = pg_sys::ProcessUtility_hook;
        pg_sys::ProcessUtility_hook = Some(process);
    }
}

/// A plain frame: see [`standard`].
#[allow(clippy::too_many_arguments)] // PostgreSQL's signature
unsafe extern "C-unwind" fn process(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    read_only: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    parameters: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    destination: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: called by PostgreSQL with a valid utility statement; everything is handed on as it came.
    unsafe {
        let utility = (*statement).utilityStmt;
        let portal = if (*utility).type_ == pg_sys::NodeTag::T_FetchStmt {
            (*utility.cast::<pg_sys::FetchStmt>()).portalname
        } else {
            std::ptr::null()
        };
        check_portals(portal);
        if [
            pg_sys::NodeTag::T_ExecuteStmt,
            pg_sys::NodeTag::T_FetchStmt,
            pg_sys::NodeTag::T_CallStmt,
            pg_sys::NodeTag::T_ExplainStmt,
        ]
        .contains(&(*utility).type_)
        {
            remember_portal();
        }
        if (*utility).type_ == pg_sys::NodeTag::T_AlterTableStmt {
            check_attach(utility.cast());
        }
        if (*utility).type_ == pg_sys::NodeTag::T_DiscardStmt {
            discard((*utility.cast::<pg_sys::DiscardStmt>()).target);
        }
        if (*utility).type_ == pg_sys::NodeTag::T_CreateTrigStmt {
            check_trigger((*utility.cast::<pg_sys::CreateTrigStmt>()).relation);
        }
        if (*utility).type_ == pg_sys::NodeTag::T_CopyStmt {
            let statement = utility.cast::<pg_sys::CopyStmt>();
            check_copy((*statement).relation, (*statement).is_from);
            if copy::take_over(statement, text, completion) {
                return;
            }
        }
        if (*utility).type_ == pg_sys::NodeTag::T_ExecuteStmt {
            name_statement((*utility.cast::<pg_sys::ExecuteStmt>()).name);
        }
        let counts = [
            pg_sys::NodeTag::T_ExplainStmt,
            pg_sys::NodeTag::T_VacuumStmt,
        ]
        .contains(&(*utility).type_)
            && begin_counting(utility);
        // Asked before: a CALL may free its own statement, by a ROLLBACK in the procedure.
        let sets = (*utility).type_ == pg_sys::NodeTag::T_VariableSetStmt;
        match PREVIOUS {
            Some(previous) => previous(
                statement,
                text,
                read_only,
                context,
                parameters,
                environment,
                destination,
                completion,
            ),
            None => standard::standard_process_utility(
                statement,
                text,
                read_only,
                context,
                parameters,
                environment,
                destination,
                completion,
            ),
        }
        if counts {
            end_counting();
        }
        if sets {
            settle_plans();
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn name_statement(name: *const c_char) {
    if !name.is_null() {
        // SAFETY: the name in an EXECUTE statement.
        turns::name(unsafe { CStr::from_ptr(name) });
    }
}

/// A setting may have named another membership.
#[pg_guard]
unsafe extern "C-unwind" fn settle_plans() {
    turns::settle();
}

/// `DISCARD PLANS` has all statements planned again, and `DISCARD ALL` does as much.
#[pg_guard]
unsafe extern "C-unwind" fn discard(target: pg_sys::DiscardMode::Type) {
    use pg_sys::DiscardMode::{DISCARD_ALL, DISCARD_PLANS};
    if [DISCARD_ALL, DISCARD_PLANS].contains(&target) {
        kept_plans::forget_all();
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn begin_counting(utility: *mut pg_sys::Node) -> bool {
    // SAFETY: the statement that is about to run.
    let shown = unsafe { analyze::shown(utility) };
    if let Some(level) = shown {
        analyze::begin(level);
    }
    shown.is_some()
}

#[pg_guard]
unsafe extern "C-unwind" fn end_counting() {
    analyze::end();
}

#[pg_guard]
unsafe extern "C-unwind" fn check_portals(fetched: *const c_char) {
    if fetched.is_null() && portals::is_empty() {
        return;
    }
    // SAFETY: may need documents, and so a transaction; statements that start without one fetch nothing.
    if unsafe { !pg_sys::IsTransactionState() } {
        return;
    }
    // SAFETY: allowed between statements.
    unsafe { pg_sys::AcceptInvalidationMessages() };
    portals::settle();
    // SAFETY: null, or the name in a FETCH statement.
    if !fetched.is_null() && portals::is_switched_off(unsafe { CStr::from_ptr(fetched) }) {
        Error::Fence.raise();
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn remember_portal() {
    portals::remember_utility();
}

#[pg_guard]
unsafe extern "C-unwind" fn check_copy(relation: *const pg_sys::RangeVar, is_from: bool) {
    if let Some(oid) = look_up(relation) {
        masking::check_copy(oid).or_raise();
        // For whoever is subject to row security it becomes a query, and is recorded as one.
        if !is_from && !privilege::is_subject(oid) {
            audit::copied(oid).or_raise();
        }
    }
}

/// `ATTACH PARTITION` of a table that has its own row trigger would fail for a reason that says little.
#[pg_guard]
unsafe extern "C-unwind" fn check_attach(statement: *const pg_sys::AlterTableStmt) {
    // SAFETY: the statement's own nodes, by their tags.
    unsafe {
        let parent =
            look_up((*statement).relation).and_then(|oid| registry::protected(oid).or_raise());
        if parent.is_none() {
            return;
        }
        for command in PgList::<pg_sys::AlterTableCmd>::from_pg((*statement).cmds).iter_ptr() {
            if (*command).subtype != pg_sys::AlterTableType::AT_AttachPartition {
                continue;
            }
            let child = look_up((*(*command).def.cast::<pg_sys::PartitionCmd>()).name);
            if let Some(child) = child
                && registry::protected(child).or_raise().is_some()
                && trigger::is_active(child)
            {
                let name = relation::qualified_name(child);
                Error::NotReady {
                    message: format!("{name} is protected by itself already"),
                    hint: format!(
                        "SELECT fhir_access.unprotect('{name}'); attaching it protects it again."
                    ),
                }
                .about(child)
                .raise();
            }
        }
    }
}

/// A trigger sees stored rows, of everybody's statements: on a protected table the privilege TRIGGER is not enough.
#[pg_guard]
unsafe extern "C-unwind" fn check_trigger(table: *const pg_sys::RangeVar) {
    let Some(oid) = look_up(table) else { return };
    if registry::protected(oid).or_raise().is_some() && !privilege::owns(oid) {
        Error::NotOwner(relation::qualified_name(oid))
            .about(oid)
            .raise();
    }
}

/// A relation that a statement names; one that does not exist is PostgreSQL's to report.
fn look_up(relation: *const pg_sys::RangeVar) -> Option<pg_sys::Oid> {
    if relation.is_null() {
        return None;
    }
    // SAFETY: a range variable of the statement, looked up as the statement will.
    let oid = unsafe {
        pg_sys::RangeVarGetRelidExtended(
            relation,
            pg_sys::NoLock as pg_sys::LOCKMODE,
            pg_sys::RVROption::RVR_MISSING_OK,
            None,
            std::ptr::null_mut(),
        )
    };
    (oid != pg_sys::InvalidOid).then_some(oid)
}
