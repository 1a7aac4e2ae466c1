//! Does a statement do anything that tells which rows its conditions have met, apart from its answer?
//!
//! PostgreSQL takes a condition for leakproof when no function in it that may leak is given a column. But what reads no column may
//! still depend on a row: `CASE WHEN born = '1950' THEN 1 / current_setting('zero')::int = 1 END` fails, and
//! `born = '1950' AND set_config(…) IS NOT NULL` counts, where a row is met that the policy would have refused. So
//! where a statement has an expression without columns that is neither known when it is planned nor plain, its conditions wait for
//! the policy's.

use crate::node::tree::{self, Visitor};
use pgrx::PgList;
use pgrx::prelude::*;
use std::collections::HashSet;

/// More nodes than these are not looked at: the statement is taken to have such an expression.
const MOST_NODES: usize = 20_000;

/// The language of functions that PostgreSQL puts in the place of their calls.
const SQL_LANGUAGE: u32 = 14;

/// Is there an expression in these queries that may tell?
///
/// # Safety
/// The queries must be those of a statement, each with whether it is the outermost, `silent` the operators that have twins,
/// `parameters` those of the execution, or null.
pub unsafe fn any(
    queries: &[(*mut pg_sys::Query, bool)],
    silent: &[(*mut pg_sys::OpExpr, pg_sys::Oid)],
    parameters: pg_sys::ParamListInfo,
) -> bool {
    let mut look = Look {
        silent: silent.iter().map(|(operator, _)| *operator).collect(),
        parameters,
        left: MOST_NODES,
        found: false,
        only_inlined: false,
    };
    // SAFETY: by the caller's promise.
    unsafe {
        for (query, is_outermost) in queries {
            let query = &**query;
            for entry in tree::range_table(query.rtable) {
                match (*entry).rtekind {
                    pg_sys::RTEKind::RTE_VALUES => {
                        let rows = PgList::<pg_sys::List>::from_pg((*entry).values_lists);
                        for row in rows.iter_ptr() {
                            look.handed_on(PgList::from_pg(row).iter_ptr());
                        }
                    }
                    pg_sys::RTEKind::RTE_FUNCTION => {
                        look.only_inlined = true;
                        tree::visit((*entry).functions.cast(), &mut look);
                        look.only_inlined = false;
                    }
                    _ => {}
                }
            }
            tree::visit(query.jointree.cast(), &mut look);
            tree::visit(query.havingQual, &mut look);
            if !is_outermost {
                let targets = PgList::<pg_sys::TargetEntry>::from_pg(query.targetList);
                look.handed_on(targets.iter_ptr().map(|target| (*target).expr.cast()));
            }
        }
    }
    look.found
}

struct Look {
    silent: HashSet<*mut pg_sys::OpExpr>,
    parameters: pg_sys::ParamListInfo,
    left: usize,
    found: bool,
    /// Are only functions of interest that PostgreSQL puts in the place of their calls?
    only_inlined: bool,
}

impl Look {
    /// What a subquery hands on may come to stand in the place of its columns.
    ///
    /// # Safety
    /// They must be expressions of one query.
    unsafe fn handed_on(&mut self, expressions: impl Iterator<Item = *mut pg_sys::Node>) {
        for expression in expressions {
            // SAFETY: by the caller's promise.
            unsafe {
                if !reads_rows(expression) {
                    self.found |= !self.is_known(expression);
                }
                tree::visit(expression, self);
            }
        }
    }

    /// Is an expression that reads no column known when the statement is planned?
    ///
    /// # Safety
    /// `expression` must be an expression.
    unsafe fn is_known(&self, expression: *mut pg_sys::Node) -> bool {
        let mut folds = Folds {
            parameters: self.parameters,
            holds: true,
            left: MOST_NODES,
        };
        // SAFETY: by the caller's promise.
        unsafe {
            tree::visit(expression, &mut folds);
            folds.holds && !pg_sys::contain_mutable_functions(expression)
        }
    }
}

impl Visitor for Look {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        use pg_sys::NodeTag::*;
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => self.found = true,
        }
        if self.found {
            return false;
        }
        // SAFETY: a node is looked at as what its tag says.
        unsafe {
            match (*node).type_ {
                // Looked at for itself.
                T_Query => return false,
                T_SubLink if !self.only_inlined => {
                    let link = &*node.cast::<pg_sys::SubLink>();
                    // What reads no row around it is run where its value is first asked for.
                    self.found |= link.subLinkType != pg_sys::SubLinkType::ANY_SUBLINK
                        && !pg_sys::contain_vars_of_level(link.subselect, 1);
                }
                // Whatever they are given, nobody hears of it.
                T_OpExpr if self.silent.contains(&node.cast()) => {}
                T_OpExpr if is_leakproof((*node.cast::<pg_sys::OpExpr>()).opfuncid) => {}
                T_FuncExpr if is_leakproof((*node.cast::<pg_sys::FuncExpr>()).funcid) => {}
                T_FuncExpr if is_inlined((*node.cast::<pg_sys::FuncExpr>()).funcid) => {
                    self.found = true;
                }
                T_OpExpr if is_inlined((*node.cast::<pg_sys::OpExpr>()).opfuncid) => {
                    self.found = true;
                }
                // Of these no rows are asked, and they are the same for all.
                T_FromExpr | T_JoinExpr | T_RangeTblRef | T_RangeTblFunction | T_List | T_Var
                | T_Const | T_Param | T_SQLValueFunction | T_BoolExpr | T_NullTest
                | T_BooleanTest | T_RelabelType | T_CollateExpr | T_ArrayExpr | T_RowExpr
                | T_CaseExpr | T_CaseWhen | T_CaseTestExpr | T_TargetEntry | T_SubLink => {}
                _ if self.only_inlined || reads_rows(node) => {}
                _ => {
                    self.found = !self.is_known(node) && !is_of_clock(node, DEEPEST);
                    return false;
                }
            }
        }
        !self.found
    }
}

/// `now() - interval '1 year'`: operators on what the clock says are nested no deeper.
const DEEPEST: usize = 4;

/// Times and dates are moved by no more than this: of years, days, and microseconds.
const MOST_YEARS: u32 = 1_000;
const MOST_DAYS: u32 = MOST_YEARS * 366;
const MOST_TIME: u64 = MOST_DAYS as u64 * 86_400_000_000;

/// Is it a time or a date not far from now? Working it out raises no error and does nothing else.
///
/// # Safety
/// `node` must be an expression.
unsafe fn is_of_clock(node: *mut pg_sys::Node, deeper: usize) -> bool {
    /// `now`, `transaction_timestamp`, `statement_timestamp`.
    const CLOCKS: [u32; 3] = [1299, 2647, 2648];
    /// Casts between `date`, `timestamp` and `timestamptz`.
    const CASTS: [u32; 6] = [1174, 1178, 2024, 2027, 2028, 2029];
    /// `+` and `-` of `timestamptz`, `timestamp` and `date` with an interval, and of `date` with a number of days.
    const MOVES: [u32; 8] = [1327, 1329, 2066, 2068, 1076, 1077, 1100, 1101];
    let Some(deeper) = deeper.checked_sub(1) else {
        return false;
    };
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        let first = |list: *mut pg_sys::List| {
            PgList::<pg_sys::Node>::from_pg(list)
                .get_ptr(0)
                .is_some_and(|node| is_of_clock(node, deeper))
        };
        match (*node).type_ {
            pg_sys::NodeTag::T_SQLValueFunction => true,
            pg_sys::NodeTag::T_CoerceViaIO => {
                let cast = &*node.cast::<pg_sys::CoerceViaIO>();
                cast.resulttype == pg_sys::TEXTOID && is_of_clock(cast.arg.cast(), deeper)
            }
            pg_sys::NodeTag::T_FuncExpr => {
                let call = &*node.cast::<pg_sys::FuncExpr>();
                let function = call.funcid.to_u32();
                CLOCKS.contains(&function) || CASTS.contains(&function) && first(call.args)
            }
            pg_sys::NodeTag::T_OpExpr => {
                let operator = &*node.cast::<pg_sys::OpExpr>();
                MOVES.contains(&operator.opno.to_u32())
                    && first(operator.args)
                    && PgList::<pg_sys::Node>::from_pg(operator.args)
                        .get_ptr(1)
                        .is_some_and(|by| is_short(by))
            }
            _ => false,
        }
    }
}

/// Is it a constant number of days, or an interval, that does not lead out of what times can be?
///
/// # Safety
/// `node` must be an expression.
unsafe fn is_short(node: *mut pg_sys::Node) -> bool {
    // SAFETY: by the caller's promise; a constant is read as what its type says.
    unsafe {
        if !pgrx::is_a(node, pg_sys::NodeTag::T_Const) {
            return false;
        }
        let by = &*node.cast::<pg_sys::Const>();
        match by.consttype {
            _ if by.constisnull => true,
            pg_sys::INT4OID => i32::from_datum(by.constvalue, false)
                .is_some_and(|days| days.unsigned_abs() <= MOST_DAYS),
            pg_sys::INTERVALOID => {
                let by = &*by.constvalue.cast_mut_ptr::<pg_sys::Interval>();
                by.month.unsigned_abs() <= MOST_YEARS * 12
                    && by.day.unsigned_abs() <= MOST_DAYS
                    && by.time.unsigned_abs() <= MOST_TIME
            }
            _ => false,
        }
    }
}

/// Does an expression read a row of its own query, or several?
///
/// # Safety
/// `expression` must be an expression.
unsafe fn reads_rows(expression: *mut pg_sys::Node) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        pg_sys::contain_vars_of_level(expression, 0)
            || pg_sys::contain_agg_clause(expression)
            || pg_sys::contain_window_function(expression)
    }
}

fn is_leakproof(function: pg_sys::Oid) -> bool {
    // SAFETY: a look-up in the catalogs.
    function != pg_sys::InvalidOid && unsafe { pg_sys::get_func_leakproof(function) }
}

/// Is a function one of SQL that somebody has made?
fn is_inlined(function: pg_sys::Oid) -> bool {
    // SAFETY: a look-up in the catalogs; the tuple holds what their rows begin with.
    function.to_u32() >= pg_sys::FirstNormalObjectId
        && unsafe {
            super::rules::look_up(
                pg_sys::SysCacheIdentifier::PROCOID as i32,
                function,
                |row: &pg_sys::FormData_pg_proc| row.prolang.to_u32(),
            )
        } == Some(SQL_LANGUAGE)
}

/// Are all parts of an expression such that PostgreSQL works it out where it knows them?
struct Folds {
    parameters: pg_sys::ParamListInfo,
    holds: bool,
    left: usize,
}

impl Visitor for Folds {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        use pg_sys::NodeTag::*;
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => self.holds = false,
        }
        // SAFETY: a node is looked at as what its tag says.
        let folds = unsafe {
            match (*node).type_ {
                T_Const | T_OpExpr | T_DistinctExpr | T_NullIfExpr | T_ScalarArrayOpExpr
                | T_RelabelType | T_CollateExpr | T_CoerceViaIO | T_ArrayCoerceExpr
                | T_ArrayExpr | T_CaseExpr | T_CaseWhen | T_CaseTestExpr | T_BoolExpr
                | T_NullTest | T_BooleanTest | T_CoalesceExpr => true,
                T_FuncExpr => {
                    let call = &*node.cast::<pg_sys::FuncExpr>();
                    !call.funcretset && call.funcresulttype != pg_sys::RECORDOID
                }
                T_Param => {
                    (*node.cast::<pg_sys::Param>()).paramkind == pg_sys::ParamKind::PARAM_EXTERN
                        && is_given(self.parameters, (*node.cast::<pg_sys::Param>()).paramid)
                }
                _ => false,
            }
        };
        self.holds &= folds;
        self.holds
    }
}

/// Is the plan made for this value of the parameter alone?
///
/// # Safety
/// `parameters` must be null or those of an execution.
unsafe fn is_given(parameters: pg_sys::ParamListInfo, number: i32) -> bool {
    // SAFETY: by the caller's promise; so many are there, or the hook gives one, as the planner asks it.
    unsafe {
        let Some(all) = parameters.as_ref() else {
            return false;
        };
        if number < 1 || number > all.numParams {
            return false;
        }
        let place = usize::try_from(number - 1).unwrap_or(0);
        let mut space = pg_sys::ParamExternData::default();
        let parameter = match all.paramFetch {
            Some(fetch) => pg_sys::ffi::pg_guard_ffi_boundary(|| {
                fetch(parameters, number, true, &raw mut space)
            }),
            None => all.params.as_ptr().add(place).cast_mut(),
        };
        u32::from((*parameter).pflags) & pg_sys::PARAM_FLAG_CONST != 0
    }
}
