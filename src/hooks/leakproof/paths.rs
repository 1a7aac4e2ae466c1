//! The index functions are leakproof, as they are declared: they raise no error but for paths that are none. Those that a statement
//! names are read before any row is.

use super::invalid_paths;
use crate::error::Result;
use crate::node::{index::KeyFunction, row};
use fhir_search::keys::Paths;
use pgrx::PgList;
use pgrx::prelude::*;

/// Refuses paths that cannot be read.
///
/// # Safety
/// `call` must be a function's call in a query.
pub unsafe fn check(schema: pg_sys::Oid, call: &pg_sys::FuncExpr) -> Result<()> {
    // SAFETY: by the caller's promise; look-ups in the catalogs.
    unsafe {
        if KeyFunction::of(call.funcid, schema).is_none() {
            return Ok(());
        }
        let arguments = PgList::<pg_sys::Node>::from_pg(call.args);
        let paths = arguments
            .get_ptr(1)
            .filter(|paths| pgrx::is_a(*paths, pg_sys::NodeTag::T_Const))
            .map(|paths| &*paths.cast::<pg_sys::Const>())
            .filter(|paths| !paths.constisnull);
        match paths {
            Some(paths) => row::output(paths.constvalue, paths.consttype)
                .parse::<Paths>()
                .map(|_| ())
                .map_err(|_| invalid_paths()),
            None => Ok(()),
        }
    }
}
