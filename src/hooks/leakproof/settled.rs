//! What became of a statement with twins: could any of it tell which hidden rows its conditions have met, apart from its answer?
//!
//! That is asked of the finished plan, where PostgreSQL is done with folding, merging and moving: what stands at the scans of
//! protected tables is what is run for hidden rows, and nothing else is. A condition there is harmless
//!
//! * if it is ours,
//! * if each part of it is [silent](Silent): it raises no error, does nothing else, and is worked out for the row alone;
//! * or if PostgreSQL itself takes it to leak ([`waits`]): such conditions are asked after all of row security's. What an index orders
//!   rows by is not: beside twins and index functions, it has to be silent.
//!
//! What is none of these reads no column: `1 / current_setting('zero')::int = 1`, `set_config(…) IS NOT NULL`, `(SELECT …)`. PostgreSQL
//! takes it not to leak, and may run it for a hidden row: `CASE WHEN born = '1950' THEN 1 / current_setting('zero')::int = 1 END`.
//! Then the statement is planned again, without twins.

use super::{clock, paths, rules};
use crate::catalog::catalog;
use crate::hooks::{finished, masking};
use crate::node::call::Call;
use crate::node::origin;
use crate::node::tree::{self, Visitor};
use pgrx::PgList;
use pgrx::prelude::*;
use std::collections::HashSet;

/// More nodes of expressions than these are not looked at: the plan is taken to tell.
const MOST_NODES: usize = 20_000;

/// Could a plan tell?
///
/// # Safety
/// `plan` must be a finished plan, `parameters` those that it was made with, or null.
pub unsafe fn tells(plan: *const pg_sys::PlannedStmt, parameters: pg_sys::ParamListInfo) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        let mut plans = Vec::new();
        gather((*plan).planTree, &mut plans);
        for subplan in PgList::<pg_sys::Plan>::from_pg((*plan).subplans).iter_ptr() {
            gather(subplan, &mut plans);
        }
        let mut lazy = HashSet::new();
        for node in &plans {
            for initial in PgList::<pg_sys::SubPlan>::from_pg((**node).initPlan).iter_ptr() {
                let numbers = PgList::<std::ffi::c_void>::from_pg((*initial).setParam);
                lazy.extend(numbers.iter_int());
            }
        }
        let entries = tree::range_table((*plan).rtable);
        let mut silent = Silent {
            lazy,
            takes_parameters: are_plain(parameters),
            left: MOST_NODES,
            holds: true,
        };
        let mut borrows = Borrows(false);
        for condition in plans.iter().flat_map(|node| finished::conditions(*node)) {
            tree::visit(condition, &mut borrows);
        }
        plans.retain(|node| {
            finished::scanned(*node).is_some_and(|number| is_protected(&entries, number))
        });
        borrows.0
            || plans
                .iter()
                .filter(|node| asks_ours(**node))
                .flat_map(|node| parts(distances(*node)))
                .any(|distance| !silent.is_all_of(distance))
            || plans
                .iter()
                .flat_map(|node| finished::conditions(*node))
                .flat_map(|condition| parts(condition))
                .any(|condition| !silent.is_harmless(condition))
    }
}

/// Is there an operator that somebody has made of a leakproof function? It may have been in a function's body, and is estimated by
/// statistics of rows that nobody may see.
struct Borrows(bool);

impl Visitor for Borrows {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        // SAFETY: a node is looked at as what its tag says.
        unsafe {
            if let Some(call) = Call::of(node).filter(Call::is_operators) {
                self.0 |= call.operator.to_u32() >= pg_sys::FirstNormalObjectId
                    && is_leakproof(call.function())
                    && rules::is_made(call.operator);
            }
        }
        !self.0
    }
}

/// All nodes of a plan but those of its subqueries in expressions, which are in a list of their own.
///
/// # Safety
/// `plan` must be null or a plan.
unsafe fn gather(plan: *mut pg_sys::Plan, all: &mut Vec<*mut pg_sys::Plan>) {
    use pg_sys::NodeTag::*;
    if plan.is_null() {
        return;
    }
    all.push(plan);
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        pg_sys::check_stack_depth();
        gather((*plan).lefttree, all);
        gather((*plan).righttree, all);
        let list = match (*plan).type_ {
            T_SubqueryScan => {
                return gather((*plan.cast::<pg_sys::SubqueryScan>()).subplan, all);
            }
            T_Append => (*plan.cast::<pg_sys::Append>()).appendplans,
            T_MergeAppend => (*plan.cast::<pg_sys::MergeAppend>()).mergeplans,
            T_BitmapAnd => (*plan.cast::<pg_sys::BitmapAnd>()).bitmapplans,
            T_BitmapOr => (*plan.cast::<pg_sys::BitmapOr>()).bitmapplans,
            T_CustomScan => (*plan.cast::<pg_sys::CustomScan>()).custom_plans,
            _ => return,
        };
        for plan in PgList::<pg_sys::Plan>::from_pg(list).iter_ptr() {
            gather(plan, all);
        }
    }
}

/// What an index orders rows by, which waits for no condition.
///
/// # Safety
/// `plan` must be a plan.
unsafe fn distances(plan: *mut pg_sys::Plan) -> *mut pg_sys::Node {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        match (*plan).type_ {
            pg_sys::NodeTag::T_IndexScan => {
                (*plan.cast::<pg_sys::IndexScan>()).indexorderbyorig.cast()
            }
            pg_sys::NodeTag::T_IndexOnlyScan => {
                (*plan.cast::<pg_sys::IndexOnlyScan>()).indexorderby.cast()
            }
            _ => std::ptr::null_mut(),
        }
    }
}

/// Does a condition of this scan ask a twin, or an index function? Without them it is as under any row security. One that is ours may be
/// the statement's question to a masked document.
///
/// # Safety
/// `plan` must be a scan.
unsafe fn asks_ours(plan: *mut pg_sys::Plan) -> bool {
    struct Asks(bool);
    impl Visitor for Asks {
        unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
            // SAFETY: a node is looked at as what its tag says; look-ups in the catalogs.
            unsafe {
                self.0 |= Call::of(node).is_some_and(|call| {
                    let function = call.function();
                    is_leakproof(function)
                        && catalog()
                            .is_none_or(|ours| pg_sys::get_func_namespace(function) == ours.schema)
                });
            }
            !self.0
        }
    }
    let mut asks = Asks(false);
    // SAFETY: by the caller's promise.
    unsafe {
        let distance = distances(plan);
        finished::conditions(plan)
            .into_iter()
            .filter(|condition| *condition != distance)
            .for_each(|condition| tree::visit(condition, &mut asks));
        // What an index alone is asked shows its columns, not what they are made of.
        asks.0 || pgrx::is_a(plan.cast(), pg_sys::NodeTag::T_IndexOnlyScan)
    }
}

/// Is the entry with this number one of a protected table? What joins scans itself (a custom scan) may be.
fn is_protected(entries: &[*mut pg_sys::RangeTblEntry], number: pg_sys::Index) -> bool {
    let place = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
    let entry = place.and_then(|place| entries.get(place));
    // SAFETY: an entry of the plan's range table.
    entry.is_none_or(|entry| unsafe { masking::is_marked(*entry) })
}

/// The conditions of a list that are joined by AND, or the one that it is.
///
/// # Safety
/// `conditions` must be null, an expression or a list of them.
unsafe fn parts(conditions: *mut pg_sys::Node) -> Vec<*mut pg_sys::Node> {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        if conditions.is_null() {
            Vec::new()
        } else if pgrx::is_a(conditions, pg_sys::NodeTag::T_List) {
            PgList::<pg_sys::Node>::from_pg(conditions.cast())
                .iter_ptr()
                .collect()
        } else {
            vec![conditions]
        }
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

/// Looks at an expression for what is not silent.
struct Silent {
    /// Parameters that a subquery gives when they are first asked for.
    lazy: HashSet<i32>,
    takes_parameters: bool,
    left: usize,
    holds: bool,
}

impl Silent {
    /// # Safety
    /// `condition` must be one of a finished plan's scan.
    unsafe fn is_harmless(&mut self, condition: *mut pg_sys::Node) -> bool {
        // SAFETY: by the caller's promise.
        unsafe { origin::is_ours(condition) || self.is_all_of(condition) || waits(condition) }
    }

    /// # Safety
    /// As above.
    unsafe fn is_all_of(&mut self, expression: *mut pg_sys::Node) -> bool {
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

/// Did PostgreSQL take a condition to leak, so that it waits for row security's? It did if a function that is not leakproof is given
/// a column, or if there is something in it that PostgreSQL does not know; neither can have come into it later.
///
/// # Safety
/// `condition` must be one of a finished plan's.
unsafe fn waits(condition: *mut pg_sys::Node) -> bool {
    struct Waits(bool);
    impl Visitor for Waits {
        unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
            use pg_sys::NodeTag::*;
            // SAFETY: a node is looked at as what its tag says.
            unsafe {
                self.0 |= match (*node).type_ {
                    T_CoalesceExpr | T_SubPlan | T_XmlExpr | T_CoerceToDomain => true,
                    T_CoerceViaIO => {
                        let arg = (*node.cast::<pg_sys::CoerceViaIO>()).arg.cast();
                        pg_sys::contain_var_clause(arg) && converts_aloud(&*node.cast())
                    }
                    _ => Call::of(node).is_some_and(|call| {
                        !is_leakproof(call.function()) && pg_sys::contain_var_clause(node)
                    }),
                };
            }
            !self.0
        }
    }
    let mut waits = Waits(false);
    // SAFETY: by the caller's promise.
    unsafe { tree::visit(condition, &mut waits) };
    waits.0
}

/// Does PostgreSQL take a conversion by way of text to leak, whatever stands in it?
///
/// # Safety
/// `conversion` must be one.
unsafe fn converts_aloud(conversion: &pg_sys::CoerceViaIO) -> bool {
    // SAFETY: by the caller's promise; the copy lives as long as the look at it.
    unsafe {
        let from = conversion.arg.cast();
        let (kind, modifier) = (pg_sys::exprType(from), pg_sys::exprTypmod(from));
        let column = pg_sys::makeVar(1, 1, kind, modifier, pg_sys::exprCollation(from), 0);
        let mut bare = *conversion;
        bare.arg = column.cast();
        pg_sys::contain_leaked_vars((&raw mut bare).cast())
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
        is_leakproof(call.function())
            && !rules::is_made(call.operator)
            && compares(pg_sys::exprInputCollation(node), call.arguments)
    }
}

fn is_leakproof(function: pg_sys::Oid) -> bool {
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
