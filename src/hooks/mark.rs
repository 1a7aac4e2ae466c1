//! The mark on our predicates: that they are ours, and for which session context they were made, or that they are still to be
//! made.
//!
//! Row security's places are marked when a statement is rewritten, and filled when it is planned; in between the context may
//! change. A marked predicate is `'fingerprint' IS NOT NULL AND predicate`, of which the planner leaves `predicate`.

use crate::session::Fingerprint;
use pgrx::PgList;
use pgrx::prelude::*;

/// Where the constant says that it stands in the statement's text: nowhere that a parser could put it.
const LOCATION: i32 = i32::MIN + 1;

/// Marks a predicate that is still to be made: nothing is found by it. No context has this fingerprint.
pub const OPEN: Fingerprint = [0; 16];

/// Marks `qual`.
///
/// # Safety
/// `qual` must be a boolean expression.
pub unsafe fn put(qual: *mut pg_sys::Node, fingerprint: Fingerprint) -> *mut pg_sys::Node {
    // SAFETY: palloc0 gives a zeroed node, every field of which that matters is set.
    unsafe {
        let value = fingerprint
            .as_slice()
            .into_datum()
            .unwrap_or(pg_sys::Datum::null());
        let constant = pg_sys::makeConst(
            pg_sys::BYTEAOID,
            -1,
            pg_sys::InvalidOid,
            -1,
            value,
            false,
            false,
        );
        (*constant).location = LOCATION;
        let test = pg_sys::palloc0(size_of::<pg_sys::NullTest>()).cast::<pg_sys::NullTest>();
        (*test).xpr.type_ = pg_sys::NodeTag::T_NullTest;
        (*test).arg = constant.cast();
        (*test).nulltesttype = pg_sys::NullTestType::IS_NOT_NULL;
        (*test).location = -1;
        let arguments = pg_sys::lappend(
            pg_sys::lappend(std::ptr::null_mut(), test.cast()),
            qual.cast(),
        );
        pg_sys::makeBoolExpr(pg_sys::BoolExprType::AND_EXPR, arguments, -1).cast()
    }
}

/// The context that `qual` was made for, when it is one of ours.
///
/// # Safety
/// `qual` must be null or a node.
pub unsafe fn of(qual: *mut pg_sys::Node) -> Option<Fingerprint> {
    // SAFETY: a node's tag says what it is.
    unsafe {
        if qual.is_null() || !pgrx::is_a(qual, pg_sys::NodeTag::T_BoolExpr) {
            return None;
        }
        let first =
            PgList::<pg_sys::Node>::from_pg((*qual.cast::<pg_sys::BoolExpr>()).args).get_ptr(0)?;
        if !pgrx::is_a(first, pg_sys::NodeTag::T_NullTest) {
            return None;
        }
        let constant = (*first.cast::<pg_sys::NullTest>())
            .arg
            .cast::<pg_sys::Const>();
        if !pgrx::is_a(constant.cast(), pg_sys::NodeTag::T_Const)
            || (*constant).location != LOCATION
        {
            return None;
        }
        let bytes = Vec::<u8>::from_datum((*constant).constvalue, (*constant).constisnull)?;
        bytes.try_into().ok()
    }
}

/// The condition that bears the mark.
///
/// # Safety
/// `qual` must be null or a node.
pub unsafe fn marked(qual: *mut pg_sys::Node) -> Option<*mut pg_sys::Node> {
    // SAFETY: what has the mark is an AND with the condition as its second argument.
    unsafe {
        of(qual)?;
        PgList::<pg_sys::Node>::from_pg((*qual.cast::<pg_sys::BoolExpr>()).args).get_ptr(1)
    }
}
