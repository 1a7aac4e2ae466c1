//! The index functions are leakproof, as they are declared: they raise no error but for paths that are none. Those that a statement
//! names are read before any row is.

use crate::error::Result;
use crate::functions::invalid_paths;
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
        match known(call) {
            Some(paths) if KeyFunction::of(call.funcid, schema).is_some() => parse(paths),
            _ => Ok(()),
        }
    }
}

/// Is a call one of an index function whose paths are not known, or cannot be read? It may fail where it meets a row.
///
/// # Safety
/// As above.
pub unsafe fn may_fail(schema: pg_sys::Oid, call: &pg_sys::FuncExpr) -> bool {
    // SAFETY: by the caller's promise; look-ups in the catalogs.
    unsafe {
        KeyFunction::of(call.funcid, schema).is_some()
            && known(call).is_none_or(|paths| parse(paths).is_err())
    }
}

/// The paths of a call, where they are a constant.
///
/// # Safety
/// As above.
unsafe fn known(call: &pg_sys::FuncExpr) -> Option<&pg_sys::Const> {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        PgList::<pg_sys::Node>::from_pg(call.args)
            .get_ptr(1)
            .filter(|paths| pgrx::is_a(*paths, pg_sys::NodeTag::T_Const))
            .map(|paths| &*paths.cast::<pg_sys::Const>())
            .filter(|paths| !paths.constisnull)
    }
}

/// # Safety
/// `paths` must be a text, not NULL.
unsafe fn parse(paths: &pg_sys::Const) -> Result<()> {
    // SAFETY: by the caller's promise.
    unsafe { row::output(paths.constvalue, paths.consttype) }
        .parse::<Paths>()
        .map(|_| ())
        .map_err(|_| invalid_paths())
}
