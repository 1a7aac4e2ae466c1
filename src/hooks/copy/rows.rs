//! The rows that the client sends: read by PostgreSQL's own COPY, and kept.

use super::Load;
use pgrx::pg_sys;
use std::ffi::{c_char, c_void};

// Called as C would call them: see `hooks::standard`.
unsafe extern "C-unwind" {
    fn BeginCopyFrom(
        state: *mut pg_sys::ParseState,
        relation: pg_sys::Relation,
        condition: *mut pg_sys::Node,
        file: *const c_char,
        is_program: bool,
        source: pg_sys::copy_data_source_cb,
        columns: *mut pg_sys::List,
        options: *mut pg_sys::List,
    ) -> pg_sys::CopyFromState;

    fn NextCopyFrom(
        copy: pg_sys::CopyFromState,
        context: *mut pg_sys::ExprContext,
        values: *mut pg_sys::Datum,
        nulls: *mut bool,
    ) -> bool;

    fn EndCopyFrom(copy: pg_sys::CopyFromState);
    fn CopyFromErrorCallback(copy: *mut c_void);
    fn ProcessInterrupts();
    fn MemoryContextReset(context: pg_sys::MemoryContext);

    fn tuplestore_putvalues(
        store: *mut pg_sys::Tuplestorestate,
        descriptor: pg_sys::TupleDesc,
        values: *mut pg_sys::Datum,
        nulls: *mut bool,
    );
}

/// A row of the input, and where those are that the WHERE clause keeps.
#[derive(Clone, Copy)]
pub struct Row {
    /// The row's number in the input, then the columns of the target.
    pub descriptor: pg_sys::TupleDesc,
    pub store: *mut pg_sys::Tuplestorestate,
    values: *mut pg_sys::Datum,
    nulls: *mut bool,
    /// The target's columns among the values, for the WHERE clause to look at.
    slot: *mut pg_sys::TupleTableSlot,
    condition: *mut pg_sys::ExprState,
    executor: *mut pg_sys::EState,
    /// For defaults, the WHERE clause, and the values of one row.
    expressions: *mut pg_sys::ExprContext,
}

impl Row {
    /// A row of `relation`, kept when `condition` (null, or a list of conditions) holds.
    ///
    /// # Safety
    /// `relation` must be open.
    pub unsafe fn of(relation: pg_sys::Relation, condition: *mut pg_sys::List) -> Row {
        // SAFETY: by the caller's promise; the arrays have room for each column and one more, and the slot is a virtual one,
        // which looks at values that somebody else keeps.
        unsafe {
            let columns = (*relation).rd_att;
            let count = usize::try_from((*columns).natts).unwrap_or(0);
            let values = pg_sys::palloc0((count + 1) * size_of::<pg_sys::Datum>());
            let values = values.cast::<pg_sys::Datum>();
            let nulls = pg_sys::palloc0(count + 1).cast::<bool>();
            let slot = pg_sys::MakeSingleTupleTableSlot(columns, &raw const pg_sys::TTSOpsVirtual);
            (*slot).tts_values = values.add(1);
            (*slot).tts_isnull = nulls.add(1);
            (*slot).tts_nvalid = (*columns).natts as pg_sys::AttrNumber;
            (*slot).tts_flags &= !(pg_sys::TTS_FLAG_EMPTY as u16);
            (*slot).tts_tableOid = (*relation).rd_id;
            let executor = pg_sys::CreateExecutorState();
            let expressions = pg_sys::MakePerTupleExprContext(executor);
            (*expressions).ecxt_scantuple = slot;
            Row {
                descriptor: numbered(columns),
                store: pg_sys::tuplestore_begin_heap(false, false, pg_sys::work_mem),
                values,
                nulls,
                slot,
                condition: pg_sys::ExecInitQual(condition, std::ptr::null_mut()),
                executor,
                expressions,
            }
        }
    }

    /// Is this a row that the WHERE clause keeps?
    ///
    /// # Safety
    /// The row's values must have been read. A plain frame: see [`crate::hooks::standard`].
    unsafe fn is_wanted(&self) -> bool {
        // SAFETY: by the caller's promise; as ExecQual does it, in the memory context of one row.
        unsafe {
            let Some(evaluate) = self
                .condition
                .as_ref()
                .and_then(|condition| condition.evalfunc)
            else {
                return true;
            };
            let mut is_null = false;
            evaluate(self.condition, self.expressions, &mut is_null).value() != 0
        }
    }

    /// Gives back what only the end of the transaction would.
    ///
    /// # Safety
    /// Once, when the rows have been read and written.
    pub unsafe fn end(&self) {
        // SAFETY: by the caller's promise.
        unsafe {
            pg_sys::FreeExecutorState(self.executor);
            pg_sys::ExecDropSingleTupleTableSlot(self.slot);
            pg_sys::tuplestore_end(self.store);
        }
    }
}

/// The name of column `number`, from 1, where the kept rows are read from: nobody's column can be mistaken for it.
pub fn name(number: usize) -> String {
    format!("c{number}")
}

/// The columns of a table behind the row's number.
///
/// # Safety
/// `columns` must be a relation's.
unsafe fn numbered(columns: pg_sys::TupleDesc) -> pg_sys::TupleDesc {
    // SAFETY: by the caller's promise; the new descriptor has an attribute more than the old one.
    unsafe {
        let count = (*columns).natts;
        let descriptor = pg_sys::CreateTemplateTupleDesc(count + 1);
        pg_sys::TupleDescInitEntry(descriptor, 1, c"number".as_ptr(), pg_sys::INT8OID, -1, 0);
        for number in 1..=count as pg_sys::AttrNumber {
            pg_sys::TupleDescCopyEntry(descriptor, number + 1, columns, number);
        }
        let count = usize::try_from(count).unwrap_or(0);
        let attributes = (*descriptor).attrs.as_mut_slice(count + 1);
        for (number, attribute) in attributes.iter_mut().enumerate().skip(1) {
            let name = std::ffi::CString::new(name(number)).unwrap_or_default();
            pg_sys::namestrcpy(&mut attribute.attname, name.as_ptr());
        }
        descriptor
    }
}

/// Reads all rows and keeps those that the WHERE clause wants. A plain frame: see [`crate::hooks::standard`].
///
/// # Safety
/// `load` must be prepared.
pub unsafe fn read(load: &Load) {
    // SAFETY: by the caller's promise; the arguments are those that DoCopy gives, and the loop is CopyFrom's.
    unsafe {
        let row = &load.row;
        let (copy, one) = (&*load.copy, (*row.expressions).ecxt_per_tuple_memory);
        let reader = BeginCopyFrom(
            load.state,
            load.relation,
            std::ptr::null_mut(),
            copy.filename,
            copy.is_program,
            None,
            copy.attlist,
            copy.options,
        );
        let mut place = pg_sys::ErrorContextCallback {
            previous: pg_sys::error_context_stack,
            callback: Some(CopyFromErrorCallback),
            arg: reader.cast(),
        };
        pg_sys::error_context_stack = &mut place;
        let mut number: i64 = 0;
        loop {
            if pg_sys::InterruptPending != 0 {
                ProcessInterrupts();
            }
            MemoryContextReset(one);
            pg_sys::CurrentMemoryContext = one;
            if !NextCopyFrom(reader, row.expressions, row.values.add(1), row.nulls.add(1)) {
                break;
            }
            number = number.wrapping_add(1);
            if row.is_wanted() {
                *row.values = pg_sys::Datum::from(number);
                tuplestore_putvalues(row.store, row.descriptor, row.values, row.nulls);
            }
        }
        pg_sys::CurrentMemoryContext = load.context;
        pg_sys::error_context_stack = place.previous;
        EndCopyFrom(reader);
    }
}
