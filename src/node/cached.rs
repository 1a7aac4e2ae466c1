//! A value kept with a function's call site: parsed once per query from a constant argument, used for every row.

use pgrx::prelude::*;
use pgrx::{PgList, PgMemoryContexts};
use std::convert::Infallible;
use std::ffi::c_void;

/// What is kept: the text it was made from, and the value.
struct Kept<T> {
    source: Vec<u8>,
    value: T,
}

/// The value made from `source`, kept in `fn_extra` and made again only when the text changes.
///
/// # Safety
/// `fcinfo` must be the call info that PostgreSQL passed to a function that uses `fn_extra` for nothing else, and
/// always with the same `T`; `source` must be argument `number` of the call.
pub unsafe fn at_call_site<'a, T, E>(
    fcinfo: pg_sys::FunctionCallInfo,
    number: usize,
    source: &[u8],
    make: impl FnOnce(&str) -> Result<T, E>,
    invalid: impl FnOnce() -> E,
) -> Result<&'a T, E> {
    let make = || make(std::str::from_utf8(source).map_err(|_| invalid())?);
    // SAFETY: by the caller's promise.
    unsafe { kept(fcinfo, number, source, make) }
}

/// The value made of an argument, which are these bytes: kept in `fn_extra`, and made again when they change.
///
/// # Safety
/// As for [`at_call_site`].
pub unsafe fn of_argument<'a, T>(
    fcinfo: pg_sys::FunctionCallInfo,
    number: usize,
    source: &[u8],
    make: impl FnOnce() -> T,
) -> &'a T {
    let make = || Ok::<T, Infallible>(make());
    // SAFETY: as above.
    let Ok(value) = unsafe { kept(fcinfo, number, source, make) };
    value
}

/// # Safety
/// As above.
unsafe fn kept<'a, T, E>(
    fcinfo: pg_sys::FunctionCallInfo,
    number: usize,
    source: &[u8],
    make: impl FnOnce() -> Result<T, E>,
) -> Result<&'a T, E> {
    // SAFETY: flinfo is valid during the call; fn_extra is null or was set below; the box is freed with fn_mcxt.
    unsafe {
        let site = (*fcinfo).flinfo;
        // Thousands of values are not compared for each row where they cannot change.
        let is_constant = is_constant(site, number);
        let kept = (*site).fn_extra.cast::<Kept<T>>();
        if !kept.is_null() {
            if !is_constant && (*kept).source != source {
                (*kept).value = make()?;
                (*kept).source = source.to_vec();
            }
            return Ok(&(*kept).value);
        }
        let source = if is_constant { &[] } else { source };
        let kept = Kept {
            source: source.to_vec(),
            value: make()?,
        };
        let pointer = PgMemoryContexts::For((*site).fn_mcxt).leak_and_drop_on_delete(kept);
        (*site).fn_extra = pointer.cast::<c_void>();
        Ok(&(*pointer).value)
    }
}

/// Is argument `number` of this call a constant of the plan? A parameter is not: its value may change between two
/// evaluations of one prepared expression.
///
/// # Safety
/// `site` must be the call's function info.
unsafe fn is_constant(site: *mut pg_sys::FmgrInfo, number: usize) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        expression(site, number)
            .is_some_and(|argument| pgrx::is_a(argument, pg_sys::NodeTag::T_Const))
    }
}

/// Is argument `number` of this call none of a row's: a constant, a parameter of the statement, or unknown?
///
/// # Safety
/// `fcinfo` must be a call.
pub unsafe fn is_given(fcinfo: pg_sys::FunctionCallInfo, number: usize) -> bool {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        expression((*fcinfo).flinfo, number).is_none_or(|argument| {
            pgrx::is_a(argument, pg_sys::NodeTag::T_Const)
                || pgrx::is_a(argument, pg_sys::NodeTag::T_Param)
                    && (*argument.cast::<pg_sys::Param>()).paramkind
                        == pg_sys::ParamKind::PARAM_EXTERN
        })
    }
}

/// The expression of argument `number` of the call, where it is known.
///
/// # Safety
/// As above.
unsafe fn expression(site: *mut pg_sys::FmgrInfo, number: usize) -> Option<*mut pg_sys::Node> {
    // SAFETY: fn_expr is null or the calling expression, which lives as long as the function info.
    unsafe {
        let call = (*site).fn_expr;
        if call.is_null() {
            return None;
        }
        let arguments = if pgrx::is_a(call, pg_sys::NodeTag::T_OpExpr) {
            (*call.cast::<pg_sys::OpExpr>()).args
        } else if pgrx::is_a(call, pg_sys::NodeTag::T_FuncExpr) {
            (*call.cast::<pg_sys::FuncExpr>()).args
        } else {
            return None;
        };
        PgList::<pg_sys::Node>::from_pg(arguments).get_ptr(number)
    }
}
