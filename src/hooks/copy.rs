//! `COPY … FROM` into a protected table, by a role that is subject to policies.
//!
//! PostgreSQL refuses it where a table has row security, because its own loop writes rows past the executor. Here PostgreSQL's
//! reader makes the rows, with each format and option that it knows ([`rows`]); they are kept, on disk when they are many;
//! and when the client has sent the last, one `INSERT … SELECT` writes them ([`insert`]). That statement is planned and run
//! as if the caller had given it: privileges, row security, triggers and constraints are those of every other INSERT.
//!
//! Taken over is only what PostgreSQL would refuse for row security. Everything else stays PostgreSQL's to run or to refuse.

mod insert;
mod rows;

use super::masking;
use crate::catalog::catalog;
use crate::error::{Error, OrRaise, Result};
use crate::functions::require_preloaded;
use crate::node::relation;
use crate::registry;
use pgrx::PgList;
use pgrx::prelude::*;
use std::ffi::{CStr, c_char};

/// A COPY that was taken over. Everything in it lives in `context` and in the resource owner, which an error cleans up:
/// plain frames carry it, and nothing in it needs to be dropped.
#[derive(Clone, Copy)]
struct Load {
    /// The statement, ours to change.
    copy: *mut pg_sys::CopyStmt,
    /// The target, locked as for an INSERT until the transaction ends.
    relation: pg_sys::Relation,
    /// Knows the statement's text, and the target's range table entry.
    state: *mut pg_sys::ParseState,
    row: rows::Row,
    insert: insert::Insert,
    context: pg_sys::MemoryContext,
    outer: pg_sys::MemoryContext,
}

/// Runs the statement if it is ours to run; says whether it was. A plain frame: see [`super::standard`].
///
/// # Safety
/// `copy` must be a COPY statement, `text` its source, `completion` null or valid: as PostgreSQL calls the utility hook.
pub unsafe fn take_over(
    copy: *const pg_sys::CopyStmt,
    text: *const c_char,
    completion: *mut pg_sys::QueryCompletion,
) -> bool {
    // SAFETY: by the caller's promise; what `begin` fills in is valid until `end`.
    unsafe {
        let mut load = None;
        begin(copy, text, &mut load);
        let Some(mut load) = load else {
            return false;
        };
        rows::read(&load);
        let written = insert::run(&mut load);
        end(&load);
        if let Some(completion) = completion.as_mut() {
            completion.commandTag = pg_sys::CommandTag::CMDTAG_COPY;
            completion.nprocessed = written;
        }
        true
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn begin(
    copy: *const pg_sys::CopyStmt,
    text: *const c_char,
    load: &mut Option<Load>,
) {
    // SAFETY: as in `take_over`.
    unsafe {
        if let Some(relation) = target(copy).or_raise() {
            *load = Some(prepare(copy, relation, text).or_raise());
        }
    }
}

/// The protected table that this statement would be refused for, locked; `None` when it is PostgreSQL's to run or refuse.
///
/// # Safety
/// `copy` must be a COPY statement.
unsafe fn target(copy: *const pg_sys::CopyStmt) -> Result<Option<pg_sys::Oid>> {
    // SAFETY: by the caller's promise; the target is found and locked as PostgreSQL would do it.
    unsafe {
        if !(*copy).is_from || (*copy).relation.is_null() || catalog().is_none() {
            return Ok(None);
        }
        let oid = pg_sys::RangeVarGetRelidExtended(
            (*copy).relation,
            pg_sys::RowExclusiveLock as pg_sys::LOCKMODE,
            pg_sys::RVROption::RVR_MISSING_OK,
            None,
            std::ptr::null_mut(),
        );
        if oid == pg_sys::InvalidOid || registry::protected(oid)?.is_none() {
            return Ok(None);
        }
        masking::check_copy(oid)?;
        let rls = pg_sys::check_enable_rls(oid, pg_sys::InvalidOid, true);
        let refused = rls == pg_sys::CheckEnableRlsResult::RLS_ENABLED as i32;
        Ok((refused && may_read(copy)).then_some(oid))
    }
}

/// May the caller read the server's file, or run the program? Without that right PostgreSQL says so.
///
/// # Safety
/// `copy` must be a COPY statement.
unsafe fn may_read(copy: *const pg_sys::CopyStmt) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        let role = match ((*copy).filename.is_null(), (*copy).is_program) {
            (true, _) => return true,
            (false, true) => pg_sys::ROLE_PG_EXECUTE_SERVER_PROGRAM,
            (false, false) => pg_sys::ROLE_PG_READ_SERVER_FILES,
        };
        pg_sys::has_privs_of_role(pg_sys::GetUserId(), pg_sys::Oid::from(role))
    }
}

/// Everything that can be refused before the client is asked for its rows.
///
/// # Safety
/// `copy` must be a COPY statement into the table `oid`, which is locked; `text` its source.
unsafe fn prepare(
    copy: *const pg_sys::CopyStmt,
    oid: pg_sys::Oid,
    text: *const c_char,
) -> Result<Load> {
    // SAFETY: by the caller's promise; all nodes are copied or made in the new memory context.
    unsafe {
        pg_sys::PreventCommandIfReadOnly(c"COPY FROM".as_ptr());
        pg_sys::PreventCommandIfParallelMode(c"COPY FROM".as_ptr());
        require_preloaded()?;
        refuse_freeze((*copy).options, oid)?;
        let outer = pg_sys::CurrentMemoryContext;
        let context = pg_sys::AllocSetContextCreateExtended(
            outer,
            c"fhir_access COPY".as_ptr(),
            pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
        );
        pg_sys::CurrentMemoryContext = context;
        let relation = pg_sys::table_open(oid, pg_sys::NoLock as pg_sys::LOCKMODE);
        let copy: *mut pg_sys::CopyStmt = pg_sys::copyObjectImpl(copy.cast()).cast();
        let state = pg_sys::make_parsestate(std::ptr::null_mut());
        (*state).p_sourcetext = text;
        let item = pg_sys::addRangeTableEntryForRelation(
            state,
            relation,
            pg_sys::RowExclusiveLock as i32,
            std::ptr::null_mut(),
            false,
            false,
        );
        let condition = condition(state, item, (*copy).whereClause);
        let row = rows::Row::of(relation, condition);
        let mut load = Load {
            copy,
            relation,
            state,
            row,
            insert: insert::Insert::into(relation, row)?,
            context,
            outer,
        };
        let mut insert = load.insert;
        insert.plan(&load)?;
        insert.check_privileges();
        load.insert = insert;
        Ok(load)
    }
}

/// The WHERE clause as PostgreSQL's COPY reads it.
///
/// # Safety
/// `item` must be the target's entry in `state`, `clause` null or the clause as it was parsed.
unsafe fn condition(
    state: *mut pg_sys::ParseState,
    item: *mut pg_sys::ParseNamespaceItem,
    clause: *mut pg_sys::Node,
) -> *mut pg_sys::List {
    if clause.is_null() {
        return std::ptr::null_mut();
    }
    // SAFETY: by the caller's promise; the steps are those of DoCopy.
    unsafe {
        pg_sys::addNSItemToQuery(state, item, false, true, true);
        let clause =
            pg_sys::transformExpr(state, clause, pg_sys::ParseExprKind::EXPR_KIND_COPY_WHERE);
        let clause = pg_sys::coerce_to_boolean(state, clause, c"WHERE".as_ptr());
        pg_sys::assign_expr_collations(state, clause);
        let clause = pg_sys::eval_const_expressions(std::ptr::null_mut(), clause);
        let clause = pg_sys::canonicalize_qual(clause.cast(), false);
        pg_sys::make_ands_implicit(clause)
    }
}

/// Frozen rows would be seen by transactions that must not see them yet; only PostgreSQL's own COPY can tell when not.
///
/// # Safety
/// `options` must be the options of a COPY statement.
unsafe fn refuse_freeze(options: *mut pg_sys::List, oid: pg_sys::Oid) -> Result<()> {
    // SAFETY: by the caller's promise.
    unsafe {
        for option in PgList::<pg_sys::DefElem>::from_pg(options).iter_ptr() {
            if CStr::from_ptr((*option).defname) == c"freeze" && pg_sys::defGetBoolean(option) {
                let error = Error::Unsupported(format!(
                    "COPY FREEZE is not supported on the protected relation {}",
                    relation::qualified_name(oid)
                ));
                return Err(error.about(oid));
            }
        }
        Ok(())
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn end(load: &Load) {
    // SAFETY: opened and made in `prepare`, ended once; the lock stays.
    unsafe {
        load.row.end();
        pg_sys::table_close(load.relation, pg_sys::NoLock as pg_sys::LOCKMODE);
        pg_sys::CurrentMemoryContext = load.outer;
        pg_sys::MemoryContextDelete(load.context);
    }
}
