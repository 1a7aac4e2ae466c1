//! A query with one text parameter, planned once and kept, for questions that are asked again and again within statements.

use crate::error::{Error, Result};
use pgrx::prelude::*;
use std::ffi::CString;

/// A prepared query whose answer is one boolean.
pub struct KeptQuery {
    plan: pg_sys::SPIPlanPtr,
}

impl KeptQuery {
    /// Prepares `text`, in which `$1` is a text. It runs with the rights of whoever asks.
    pub fn prepare(text: &str) -> Result<KeptQuery> {
        let text = CString::new(text)
            .map_err(|_| Error::Internal("a query contains a NUL character".to_owned()))?;
        connected(|| {
            // SAFETY: connected; a plan that is kept outlives the connection, and is freed in drop.
            unsafe {
                let mut types = [pg_sys::TEXTOID];
                let plan = pg_sys::SPI_prepare(text.as_ptr(), 1, types.as_mut_ptr());
                if plan.is_null() || pg_sys::SPI_keepplan(plan) != 0 {
                    return Err(Error::Internal("a query cannot be prepared".to_owned()));
                }
                Ok(KeptQuery { plan })
            }
        })
    }

    /// Whether the query answers with true, by the running statement's own snapshot.
    pub fn is_true(&self, parameter: &str) -> Result<bool> {
        connected(|| {
            // SAFETY: connected; the plan is kept, its parameter is a text and its column a boolean. The result is read
            // before the connection, which owns it, is over.
            unsafe {
                let mut value = parameter.into_datum().unwrap_or(pg_sys::Datum::null());
                let code =
                    pg_sys::SPI_execute_plan(self.plan, &mut value, std::ptr::null(), true, 1);
                let Some(table) = pg_sys::SPI_tuptable.as_ref().filter(|_| code > 0) else {
                    return Err(Error::Internal("a query cannot be run".to_owned()));
                };
                if table.numvals == 0 {
                    return Ok(false);
                }
                let mut is_null = false;
                let answer = pg_sys::SPI_getbinval(*table.vals, table.tupdesc, 1, &mut is_null);
                Ok(bool::from_datum(answer, is_null).unwrap_or(false))
            }
        })
    }
}

impl Drop for KeptQuery {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: kept in prepare, freed once.
            unsafe { pg_sys::SPI_freeplan(self.plan) };
        }
    }
}

/// Runs `work` in a connection to PostgreSQL's query interface. Where an error is raised, the abort ends it.
fn connected<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // SAFETY: connections nest; each is finished here.
    unsafe {
        pg_sys::SPI_connect();
        let answer = work();
        pg_sys::SPI_finish();
        answer
    }
}
