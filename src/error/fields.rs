//! The fields of an error that pgrx's reports do not carry: schema, table, column and constraint.
//!
//! PostgreSQL calls its error callbacks while it finishes a report. Ours is hung there when an error of ours is raised, fills
//! in the fields of that report, and goes with the rest of the stack when the error is caught.

use pgrx::prelude::*;
use std::cell::RefCell;
use std::ffi::{CString, c_char, c_int, c_void};

// Declared here because pgrx's own would catch errors and raise them again as panics: through PostgreSQL's frames.
unsafe extern "C-unwind" {
    fn geterrcode() -> c_int;
    fn err_generic_string(field: c_int, text: *const c_char) -> c_int;
}

/// What an error is about.
#[derive(Debug, Default)]
pub struct Fields {
    /// Each as PostgreSQL numbers it, and its text.
    texts: Vec<(c_int, CString)>,
}

impl Fields {
    /// Adds a field; a text that no field can hold is left out.
    fn add(&mut self, field: u8, text: &str) {
        if let Ok(text) = CString::new(text) {
            self.texts.push((c_int::from(field), text));
        }
    }

    /// The relation, by the names that it has in the catalogs.
    pub fn table(&mut self, schema: &str, table: &str) {
        self.add(pg_sys::PG_DIAG_SCHEMA_NAME, schema);
        self.add(pg_sys::PG_DIAG_TABLE_NAME, table);
    }

    /// The column of the relation.
    pub fn column(&mut self, column: &str) {
        self.add(pg_sys::PG_DIAG_COLUMN_NAME, column);
    }

    /// The constraint of the relation.
    pub fn constraint(&mut self, constraint: &str) {
        self.add(pg_sys::PG_DIAG_CONSTRAINT_NAME, constraint);
    }
}

/// The fields of the error that was raised last, and its code.
struct Pending {
    code: c_int,
    fields: Fields,
}

thread_local! {
    static PENDING: RefCell<Option<Pending>> = const { RefCell::new(None) };
}

static mut CALLBACK: pg_sys::ErrorContextCallback = pg_sys::ErrorContextCallback {
    previous: std::ptr::null_mut(),
    callback: Some(fill_in),
    arg: std::ptr::null_mut(),
};

/// Has the report of the error that is raised now, which has this code, show `fields`.
pub fn attach(code: PgSqlErrorCode, fields: Fields) {
    let empty = fields.texts.is_empty();
    let code = code as c_int;
    PENDING.set((!empty).then_some(Pending { code, fields }));
    if empty {
        return;
    }
    // SAFETY: the stack is a list of callbacks, each alive as long as it hangs there; ours is static, and hangs there once.
    // Whatever catches the error puts back the stack that it knows.
    unsafe {
        let ours = &raw mut CALLBACK;
        let mut hung = pg_sys::error_context_stack;
        while !hung.is_null() && hung != ours {
            hung = (*hung).previous;
        }
        if hung.is_null() {
            (*ours).previous = pg_sys::error_context_stack;
            pg_sys::error_context_stack = ours;
        }
    }
}

/// Fills in the fields of our error; a warning on the way to it is left alone. A plain frame: what PostgreSQL cannot copy
/// is an error that jumps over it.
unsafe extern "C-unwind" fn fill_in(_argument: *mut c_void) {
    // SAFETY: called by PostgreSQL while a report is being finished; nothing else looks at the cell meanwhile.
    unsafe {
        let pending = PENDING.with(RefCell::as_ptr);
        let Some(pending) = &*pending else { return };
        if geterrcode() == pending.code {
            for (field, text) in &pending.fields.texts {
                err_generic_string(*field, text.as_ptr());
            }
        }
    }
}
