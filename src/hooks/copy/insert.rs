//! The INSERT that writes what a COPY has read.

use super::Load;
use super::rows::{self, Row};
use crate::error::{Error, OrRaise, Result};
use crate::node::relation;
use crate::predicate::identifier;
use pgrx::PgList;
use pgrx::prelude::*;
use std::ffi::{CString, c_char, c_int, c_void};

// Called as C would call them: see `hooks::standard`.
unsafe extern "C-unwind" {
    fn ExecutorStart(query: *mut pg_sys::QueryDesc, flags: c_int);
    fn ExecutorRun(
        query: *mut pg_sys::QueryDesc,
        direction: pg_sys::ScanDirection::Type,
        count: u64,
        once: bool,
    );
    fn ExecutorFinish(query: *mut pg_sys::QueryDesc);
    fn ExecutorEnd(query: *mut pg_sys::QueryDesc);
    fn FreeQueryDesc(query: *mut pg_sys::QueryDesc);
    fn PopActiveSnapshot();
    fn set_errcontext_domain(domain: *const c_char) -> c_int;
    fn errcontext_msg(format: *const c_char, ...) -> c_int;
}

/// What the statement calls the kept rows. Its target is named with its schema, and so never mistaken for them.
const SOURCE: &std::ffi::CStr = c"fhir_access_copy";

/// An INSERT, planned for the session as it is.
#[derive(Clone, Copy)]
pub struct Insert {
    text: *const c_char,
    /// Where the statement finds the rows.
    environment: *mut pg_sys::QueryEnvironment,
    /// The statement as it was rewritten, and its plan.
    query: *mut pg_sys::Query,
    plan: *mut pg_sys::PlannedStmt,
}

impl Insert {
    /// The INSERT of the kept rows into `relation`.
    ///
    /// # Safety
    /// `relation` must be open, `row` one of its rows.
    pub unsafe fn into(relation: pg_sys::Relation, row: Row) -> Result<Insert> {
        // SAFETY: by the caller's promise; palloc0 gives a zeroed struct, every field of which is set.
        unsafe {
            let source = pg_sys::palloc0(size_of::<pg_sys::EphemeralNamedRelationData>())
                .cast::<pg_sys::EphemeralNamedRelationData>();
            (*source).md.name = pg_sys::pstrdup(SOURCE.as_ptr());
            (*source).md.reliddesc = pg_sys::InvalidOid;
            (*source).md.tupdesc = row.descriptor;
            (*source).md.enrtype = pg_sys::EphemeralNameRelationType::ENR_NAMED_TUPLESTORE;
            (*source).md.enrtuples = 1000.0;
            (*source).reldata = row.store.cast();
            let environment = pg_sys::create_queryEnv();
            pg_sys::register_ENR(environment, source);
            Ok(Insert {
                text: pg_sys::pstrdup(text(relation)?.as_ptr()),
                environment,
                query: std::ptr::null_mut(),
                plan: std::ptr::null_mut(),
            })
        }
    }

    /// Plans the statement for the caller and its session.
    ///
    /// # Safety
    /// `load` must be of this statement; a snapshot must be active.
    pub unsafe fn plan(&mut self, load: &Load) -> Result<()> {
        // SAFETY: by the caller's promise; the steps are PostgreSQL's own for a statement that a client sends.
        unsafe {
            let statements = PgList::<pg_sys::RawStmt>::from_pg(pg_sys::raw_parser(
                self.text,
                pg_sys::RawParseMode::RAW_PARSE_DEFAULT,
            ));
            let statement = statements
                .get_ptr(0)
                .ok_or_else(|| Error::Unsupported("a COPY was not understood".to_owned()))?;
            let query = pg_sys::parse_analyze_fixedparams(
                statement,
                self.text,
                std::ptr::null(),
                0,
                self.environment,
            );
            let target = target(query).filter(|entry| (**entry).relid == (*load.relation).rd_id);
            let Some(target) = target else {
                return Err(Error::Unsupported(
                    "the target of a COPY was replaced by another table".to_owned(),
                ));
            };
            // Columns that COPY was not told of have their defaults by now, for which nobody needs a privilege.
            (*target).insertedCols = named_columns(load);
            let queries = PgList::<pg_sys::Query>::from_pg(pg_sys::pg_rewrite_query(query));
            let rewritten = match (queries.len(), queries.get_ptr(0)) {
                (1, Some(query)) if is_plain(query, (*load.relation).rd_id) => query,
                _ => {
                    let oid = (*load.relation).rd_id;
                    let error = Error::Unsupported(format!(
                        "COPY into {} is not supported, because it has a rule for INSERT",
                        relation::qualified_name(oid)
                    ));
                    return Err(error.about(oid));
                }
            };
            self.query = rewritten;
            self.plan = pg_sys::pg_plan_query(
                pg_sys::copyObjectImpl(rewritten.cast()).cast(),
                self.text,
                0,
                std::ptr::null_mut(),
            );
            Ok(())
        }
    }

    /// Refuses a caller without the privilege to insert into these columns, before the client is asked for rows.
    ///
    /// # Safety
    /// The statement must be planned.
    pub unsafe fn check_privileges(&self) {
        // SAFETY: by the caller's promise.
        unsafe { pg_sys::ExecCheckRTPerms((*self.query).rtable, true) };
    }
}

/// `INSERT … SELECT`, of all columns that are stored as they are given.
///
/// # Safety
/// `relation` must be open.
unsafe fn text(relation: pg_sys::Relation) -> Result<CString> {
    // SAFETY: by the caller's promise.
    let (oid, columns) = unsafe { ((*relation).rd_id, relation::columns((*relation).rd_att)) };
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for column in columns.iter().filter(|column| !column.generated) {
        names.push(identifier(&column.name));
        values.push(rows::name(usize::try_from(column.number).unwrap_or(0)));
    }
    // As COPY does: what is given for an identity column is used.
    let text = format!(
        "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}",
        relation::qualified_name(oid),
        names.join(", "),
        values.join(", "),
        SOURCE.to_string_lossy(),
    );
    CString::new(text).map_err(|_| Error::Unsupported("a name contains a NUL character".to_owned()))
}

/// The range table entry that a statement writes to.
///
/// # Safety
/// `query` must be a query.
unsafe fn target(query: *const pg_sys::Query) -> Option<*mut pg_sys::RangeTblEntry> {
    // SAFETY: by the caller's promise.
    unsafe {
        let place = usize::try_from((*query).resultRelation)
            .ok()?
            .checked_sub(1)?;
        PgList::<pg_sys::RangeTblEntry>::from_pg((*query).rtable).get_ptr(place)
    }
}

/// The columns that the COPY names, or all, as PostgreSQL's privilege checks count them.
///
/// # Safety
/// `load` must be of an open relation.
unsafe fn named_columns(load: &Load) -> *mut pg_sys::Bitmapset {
    // SAFETY: by the caller's promise.
    unsafe {
        let numbers =
            pg_sys::CopyGetAttnums((*load.relation).rd_att, load.relation, (*load.copy).attlist);
        let mut columns = std::ptr::null_mut();
        for number in PgList::<c_void>::from_pg(numbers).iter_int() {
            columns = pg_sys::bms_add_member(
                columns,
                number - pg_sys::FirstLowInvalidHeapAttributeNumber,
            );
        }
        columns
    }
}

/// Is this, after rewriting, still an INSERT into the table and nothing else?
///
/// # Safety
/// `query` must be a query.
unsafe fn is_plain(query: *const pg_sys::Query, oid: pg_sys::Oid) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        (*query).commandType == pg_sys::CmdType::CMD_INSERT
            && target(query).is_some_and(|entry| (*entry).relid == oid)
    }
}

/// Writes the kept rows; says how many were. A plain frame: see [`crate::hooks::standard`].
///
/// # Safety
/// `load` must be prepared, its rows read.
pub unsafe fn run(load: &mut Load) -> u64 {
    // SAFETY: by the caller's promise; a plan is run as PostgreSQL runs it. The place hangs in the stack of error callbacks
    // as long as this frame is there, and an error takes it down.
    unsafe {
        let mut query = std::ptr::null_mut();
        plan_again(load, &mut query);
        let mut place = Place {
            table: (*(*load.relation).rd_rel).relname.data.as_ptr(),
            row: std::ptr::null(),
        };
        let place = &raw mut place;
        let mut callback = pg_sys::ErrorContextCallback {
            previous: pg_sys::error_context_stack,
            callback: Some(name_row),
            arg: place.cast(),
        };
        pg_sys::error_context_stack = &mut callback;
        ExecutorStart(query, 0);
        (*place).row = source_slot((*query).planstate);
        ExecutorRun(query, pg_sys::ScanDirection::ForwardScanDirection, 0, true);
        let written = (*(*query).estate).es_processed;
        // What follows is no row's alone.
        (*place).row = std::ptr::null();
        ExecutorFinish(query);
        ExecutorEnd(query);
        FreeQueryDesc(query);
        pg_sys::error_context_stack = callback.previous;
        PopActiveSnapshot();
        written
    }
}

/// The client may have taken its time: policies, privileges and rows are what they are now.
#[pg_guard]
unsafe extern "C-unwind" fn plan_again(load: &mut Load, query: &mut *mut pg_sys::QueryDesc) {
    // SAFETY: as in `run`.
    unsafe {
        pg_sys::AcceptInvalidationMessages();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        let mut insert = load.insert;
        insert.plan(load).or_raise();
        load.insert = insert;
        *query = pg_sys::CreateQueryDesc(
            insert.plan,
            insert.text,
            pg_sys::GetActiveSnapshot(),
            std::ptr::null_mut(),
            pg_sys::None_Receiver,
            std::ptr::null_mut(),
            insert.environment,
            0,
        );
    }
}

/// Where an error happened.
struct Place {
    table: *const c_char,
    /// What holds the row that is being written; null before the first and after the last.
    row: *const pg_sys::TupleTableSlot,
}

/// The slot that holds the kept row which the INSERT is at; null where the plan is not what it should be.
///
/// # Safety
/// `plan` must be the state of an INSERT's plan.
unsafe fn source_slot(plan: *const pg_sys::PlanState) -> *const pg_sys::TupleTableSlot {
    // SAFETY: by the caller's promise; nodes are what their tags say.
    unsafe {
        let source = (*plan).lefttree;
        if source.is_null() || (*source).type_ != pg_sys::NodeTag::T_NamedTuplestoreScanState {
            return std::ptr::null();
        }
        (*source.cast::<pg_sys::ScanState>()).ss_ScanTupleSlot
    }
}

/// Tells the reader of an error which row of the input it is about, and nothing of its values. PostgreSQL calls this while an
/// error is reported, so it only reads memory.
unsafe extern "C-unwind" fn name_row(place: *mut c_void) {
    // SAFETY: the place is alive as long as this hangs in the stack. A slot's first value is the row's number as soon as
    // any of its values has been looked at.
    unsafe {
        let place = &*place.cast::<Place>();
        set_errcontext_domain(std::ptr::null());
        match place.row.as_ref() {
            Some(row)
                if u32::from(row.tts_flags) & pg_sys::TTS_FLAG_EMPTY == 0 && row.tts_nvalid > 0 =>
            {
                let number = (*row.tts_values).value() as i64;
                errcontext_msg(c"COPY %s, row %lld".as_ptr(), place.table, number);
            }
            _ => {
                errcontext_msg(c"COPY %s".as_ptr(), place.table);
            }
        }
    }
}
