//! Is an expression of a finished plan silent: does it raise no error, do nothing else, and is it worked out for the row alone?

use super::table::{self, Rule};
use super::{clock, paths, rules};
use crate::catalog::catalog;
use crate::node::call::Call;
use crate::node::tree::{self, Visitor};
use pgrx::PgList;
use pgrx::prelude::*;
use std::collections::HashSet;

/// More nodes of expressions than these are not looked at: the plan is taken to tell.
const MOST_NODES: usize = 20_000;

/// Looks at expressions for what is not silent.
pub struct Silent {
    /// Parameters that a subquery gives when they are first asked for.
    lazy: HashSet<i32>,
    takes_parameters: bool,
    left: usize,
    holds: bool,
}

impl Silent {
    pub fn new(lazy: HashSet<i32>, parameters: pg_sys::ParamListInfo) -> Self {
        Self {
            lazy,
            takes_parameters: are_plain(parameters),
            left: MOST_NODES,
            holds: true,
        }
    }

    /// Is all of an expression silent?
    ///
    /// # Safety
    /// `expression` must be null, or one of a finished plan.
    pub unsafe fn is_all_of(&mut self, expression: *mut pg_sys::Node) -> bool {
        self.holds = true;
        // SAFETY: by the caller's promise.
        unsafe { tree::visit(expression, self) };
        self.holds
    }
}

impl Visitor for Silent {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        use pg_sys::NodeTag::*;
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => self.holds = false,
        }
        if !self.holds {
            return false;
        }
        // SAFETY: a node is looked at as what its tag says.
        unsafe {
            self.holds = match (*node).type_ {
                T_List | T_Var | T_Const | T_BoolExpr | T_BooleanTest | T_RelabelType
                | T_CollateExpr | T_CaseExpr | T_CaseWhen | T_CaseTestExpr => true,
                // Of a row, the types that its fields had when it was made may have changed.
                T_NullTest => !(*node.cast::<pg_sys::NullTest>()).argisrow,
                T_Param => {
                    let parameter = &*node.cast::<pg_sys::Param>();
                    match parameter.paramkind {
                        pg_sys::ParamKind::PARAM_EXTERN => self.takes_parameters,
                        pg_sys::ParamKind::PARAM_EXEC => !self.lazy.contains(&parameter.paramid),
                        _ => false,
                    }
                }
                // It fails where its parts are of different sizes, or too large together.
                T_ArrayExpr => {
                    let array = &*node.cast::<pg_sys::ArrayExpr>();
                    !array.multidims && pg_sys::get_typlen(array.element_typeid) > 0
                }
                // A type may have no slices.
                T_SubscriptingRef => {
                    let part = &*node.cast::<pg_sys::SubscriptingRef>();
                    part.reflowerindexpr.is_null() && part.refassgnexpr.is_null()
                }
                T_SQLValueFunction => clock::is_plain(&*node.cast()),
                _ if clock::is_of_clock(node) => return false,
                _ => Call::of(node).is_some_and(|call| is_silent(node, &call)),
            };
        }
        self.holds
    }
}

/// Are parameters that are not known yet plain values when they are asked for? In PL/pgSQL one may be a record's field, which the
/// record that is there then does not have, or has of another type.
pub fn are_plain(parameters: pg_sys::ParamListInfo) -> bool {
    // SAFETY: what is not null is a list of parameters. Asked for a relation that has no name, SPI only says whether anybody
    // is connected.
    unsafe {
        match parameters.as_ref() {
            Some(parameters) => parameters.paramFetch.is_none(),
            None => pg_sys::SPI_unregister_relation(c"".as_ptr()) == pg_sys::SPI_ERROR_UNCONNECTED,
        }
    }
}

/// Is a function or operator silent, whatever it is given?
///
/// # Safety
/// `call` must be what is called at `node`.
unsafe fn is_silent(node: *mut pg_sys::Node, call: &Call) -> bool {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        if pgrx::is_a(node, pg_sys::NodeTag::T_FuncExpr)
            && catalog().is_none_or(|ours| paths::may_fail(ours.schema, &*node.cast()))
        {
            return false;
        }
        // Nobody has looked at what somebody's own operator is given.
        (is_leakproof(call.function()) || is_plain(node, call))
            && !rules::is_made(call.operator)
            && compares(pg_sys::exprInputCollation(node), call.arguments)
    }
}

/// Does PostgreSQL's own function do what its twin does? It stands where PostgreSQL has put together a comparison itself, or turned one
/// around for an index.
///
/// # Safety
/// `call` must be what is called at `node`.
unsafe fn is_plain(node: *mut pg_sys::Node, call: &Call) -> bool {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        if call.function() != pg_sys::get_opcode(call.operator) {
            return false;
        }
        table::compares(call.operator)
            || pgrx::is_a(node, pg_sys::NodeTag::T_OpExpr)
                && table::of(call.operator)
                    .any(|twin| twin.rule == Rule::Arrays && rules::holds(&*node.cast(), twin))
    }
}

pub fn is_leakproof(function: pg_sys::Oid) -> bool {
    // SAFETY: a look-up in the catalogs.
    function != pg_sys::InvalidOid && unsafe { pg_sys::get_func_leakproof(function) }
}

/// Can texts always be compared by this collation, which is that of these arguments? That of the database, "C" and "POSIX". Others
/// may not be usable, or warn when they are used first.
///
/// # Safety
/// The arguments must be a list of expressions.
unsafe fn compares(collation: pg_sys::Oid, arguments: *mut pg_sys::List) -> bool {
    match collation.to_u32() {
        100 | 950 | 951 => true,
        // SAFETY: by the caller's promise; look-ups in the catalogs.
        0 => unsafe {
            PgList::<pg_sys::Node>::from_pg(arguments)
                .iter_ptr()
                .all(|argument| !pg_sys::type_is_collatable(pg_sys::exprType(argument)))
        },
        _ => false,
    }
}
