//! Statistics of index expressions are for policies only.
//!
//! An index on `targets(resource, …)` has statistics of all rows, and PostgreSQL lets leakproof operators use them under row
//! security: the number of rows that EXPLAIN expects would tell anybody what hidden rows hold. So the planner gets them
//! for conditions of policies alone, which it knows by a mark on their constants that no statement can write. Those get them for
//! all operators, leakproof or not: what a policy compares with is not the statement's choice.
//!
//! Columns of tables have statistics, too, and row security keeps them from operators that are not leakproof, such as `@>`: the
//! planner takes 1 % of the rows then, and a list from an index on the content that it believes to be short, beside one of some
//! rows by their ids. So policies get those likewise, by a mark on their columns. Of a statement's
//! own `@>` the planner is told on which [step](coarse) of a ladder it is.

use super::brin;
use crate::estimates::{self, Conditional, coarse};
use crate::functions::contains;
use crate::node::index::IndexedKey;
use crate::node::key_statistics::KeyStatistics;
use crate::node::tree::{self, Mutator, Visitor};
use crate::registry;
use pgrx::PgList;
use pgrx::prelude::*;

/// The place in the source text that a policy's constant claims to have. Those of a statement are not negative, and -1 is "unknown"; it
/// survives copying, and no comparison of expressions looks at it.
pub const MARK: i32 = -4_242;

/// The place that the first column of a condition claims to have; the others have the numbers below it, so that they can be told apart.
const FIRST_COLUMN: i32 = -1_000_000_000;

/// How many columns of a condition can be told apart.
const COLUMNS: i32 = 1_000_000;

/// Is this the place of a policy's column?
pub fn is_mark(location: i32) -> bool {
    (FIRST_COLUMN - COLUMNS..=FIRST_COLUMN).contains(&location)
}

static mut PREVIOUS: pg_sys::get_index_stats_hook_type = None;
static mut PREVIOUS_OF_COLUMNS: pg_sys::get_relation_stats_hook_type = None;

/// Installs the hooks.
pub fn install() {
    // SAFETY: runs once per process, in _PG_init, before any statement.
    unsafe {
        PREVIOUS = pg_sys::get_index_stats_hook;
        pg_sys::get_index_stats_hook = Some(index_statistics);
        PREVIOUS_OF_COLUMNS = pg_sys::get_relation_stats_hook;
        pg_sys::get_relation_stats_hook = Some(column_statistics);
    }
}

/// Marks the columns in a policy's condition, so that it gets their statistics.
///
/// # Safety
/// `qual` must be an expression; it may be scribbled on.
pub unsafe fn grant(qual: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: by the caller's promise.
    unsafe {
        let marked = tree::mutate(qual, &mut Columns { marked: 0 });
        if let Some(function) = contains::oid() {
            tree::visit(marked, &mut Contains { function });
        }
        marked
    }
}

/// Gives `@>` our function. A copy is changed.
struct Contains {
    function: pg_sys::Oid,
}

impl Visitor for Contains {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        // SAFETY: a node is looked at as what its tag says.
        unsafe {
            match (*node).type_ {
                pg_sys::NodeTag::T_OpExpr => {
                    let operator = &mut *node.cast::<pg_sys::OpExpr>();
                    if operator.opno.to_u32() == estimates::CONTAINS {
                        operator.opfuncid = self.function;
                    }
                }
                pg_sys::NodeTag::T_ScalarArrayOpExpr => {
                    let operator = &mut *node.cast::<pg_sys::ScalarArrayOpExpr>();
                    if operator.opno.to_u32() == estimates::CONTAINS {
                        operator.opfuncid = self.function;
                    }
                }
                _ => {}
            }
        }
        true
    }
}

struct Columns {
    marked: i32,
}

impl Mutator for Columns {
    unsafe fn replace(&mut self, node: *mut pg_sys::Node) -> Option<*mut pg_sys::Node> {
        // SAFETY: a node is looked at as what its tag says; the copy is ours to change.
        unsafe {
            if pgrx::is_a(node, pg_sys::NodeTag::T_Query) {
                tree::mutate_query(node.cast(), self);
                return Some(node);
            }
            if !pgrx::is_a(node, pg_sys::NodeTag::T_Var) {
                return None;
            }
            let copy = pg_sys::copyObjectImpl(node.cast()).cast::<pg_sys::Var>();
            (*copy).location = FIRST_COLUMN - self.marked;
            self.marked = (self.marked + 1).min(COLUMNS);
            Some(copy.cast())
        }
    }
}

/// A plain frame, too.
unsafe extern "C-unwind" fn column_statistics(
    root: *mut pg_sys::PlannerInfo,
    entry: *mut pg_sys::RangeTblEntry,
    column: pg_sys::AttrNumber,
    variable: *mut pg_sys::VariableStatData,
) -> bool {
    // SAFETY: called by the planner, with statistics not set; the previous hook gets the same.
    unsafe {
        let is_not_set = brin::is_not_set();
        match PREVIOUS_OF_COLUMNS {
            Some(previous) if previous(root, entry, column, variable) => true,
            // PostgreSQL looks for them itself: they are asked only in what order rows are stored.
            _ if is_not_set => false,
            _ => give_column(root, variable, entry, column),
        }
    }
}

/// Gives a condition of a policy the statistics of a column. False where it is none, or where there are none.
///
/// # Safety
/// As above.
#[pg_guard]
unsafe extern "C-unwind" fn give_column(
    root: *mut pg_sys::PlannerInfo,
    variable: *mut pg_sys::VariableStatData,
    entry: *mut pg_sys::RangeTblEntry,
    column: pg_sys::AttrNumber,
) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        if let Some(share) = estimates::of_containment(root, &*variable) {
            give_made(variable, Made::matching(share));
            return true;
        }
        let of_policy = pgrx::is_a((*variable).var, pg_sys::NodeTag::T_Var)
            && is_mark((*(*variable).var.cast::<pg_sys::Var>()).location);
        if (*entry).rtekind != pg_sys::RTEKind::RTE_RELATION {
            return false;
        }
        if of_policy {
            return give(variable, (*entry).relid, column, (*entry).inh);
        }
        let told = coarse::of_containment(root, &*variable, &*entry, column);
        if let Some(share) = told {
            give_made(variable, Made::matching(share));
        }
        told.is_some()
    }
}

/// A plain frame: see [`super::standard`].
unsafe extern "C-unwind" fn index_statistics(
    root: *mut pg_sys::PlannerInfo,
    index: pg_sys::Oid,
    column: pg_sys::AttrNumber,
    variable: *mut pg_sys::VariableStatData,
) -> bool {
    // SAFETY: called by the planner, with a relation in `variable` and statistics not set; the previous hook gets the same.
    unsafe {
        let is_not_set = brin::is_not_set();
        if !is_not_set && is_hidden(variable, index) {
            // "Taken care of", and there are none.
            return true;
        }
        match PREVIOUS {
            Some(previous) if previous(root, index, column, variable) => true,
            _ if is_not_set => false,
            _ => give_to_policy(root, variable, index, column),
        }
    }
}

/// Gives a condition of a policy the statistics of an index, for use with any operator. False where it is none, or where there
/// are none.
///
/// # Safety
/// As above.
#[pg_guard]
unsafe extern "C-unwind" fn give_to_policy(
    root: *mut pg_sys::PlannerInfo,
    variable: *mut pg_sys::VariableStatData,
    index: pg_sys::Oid,
    column: pg_sys::AttrNumber,
) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        if !is_of_policy((*variable).var) {
            // A document that is kept as text.
            let share = estimates::of_containment(root, &*variable);
            if let Some(share) = share {
                give_made(variable, Made::matching(share));
            }
            return share.is_some();
        }
        if let Some(expected) = estimates::conditional(root, &*variable) {
            give_made(variable, Made::comparison(&expected));
            return true;
        }
        is_on_all_rows(index) && give(variable, index, column, false)
    }
}

/// A row of statistics that holds no values: what the planner makes of it without them is what we want it to expect.
struct Made {
    missing: f64,
    distinct: f64,
}

impl Made {
    /// For an operator that PostgreSQL estimates by `matchingsel`: without values it expects 1 % of what is not missing.
    fn matching(share: f64) -> Made {
        const EXPECTED: f64 = 0.01;
        Made {
            missing: 1.0 - share / EXPECTED,
            distinct: 0.0,
        }
    }

    /// For a comparison: without values it expects half of what is not missing, for `=` one of the distinct values.
    fn comparison(expected: &Conditional) -> Made {
        const EXPECTED: f64 = 0.5;
        let expects = if expected.is_equality { 1.0 } else { EXPECTED };
        Made {
            missing: 1.0 - expected.share / expects,
            distinct: 1.0,
        }
    }
}

/// # Safety
/// As above.
unsafe fn give_made(variable: *mut pg_sys::VariableStatData, made: Made) {
    const HEAD: usize = size_of::<pg_sys::HeapTupleData>().next_multiple_of(8);
    // SAFETY: one allocation, zeroed, holds the tuple, its header and the columns of fixed length; nobody reads others, because
    // all kinds of slots are 0.
    unsafe {
        let offset = std::mem::offset_of!(pg_sys::HeapTupleHeaderData, t_bits).next_multiple_of(8);
        let length = offset + size_of::<pg_sys::FormData_pg_statistic>();
        let tuple = pg_sys::palloc0(HEAD + length).cast::<pg_sys::HeapTupleData>();
        let header = tuple
            .cast::<u8>()
            .add(HEAD)
            .cast::<pg_sys::HeapTupleHeaderData>();
        (*tuple).t_len = u32::try_from(length).unwrap_or(0);
        (*tuple).t_data = header;
        (*header).t_hoff = u8::try_from(offset).unwrap_or(0);
        let form = header
            .cast::<u8>()
            .add(offset)
            .cast::<pg_sys::FormData_pg_statistic>();
        (*form).stanullfrac = made.missing as f32;
        (*form).stadistinct = made.distinct as f32;
        (*variable).statsTuple = tuple;
        (*variable).freefunc = Some(free_made);
        (*variable).acl_ok = true;
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn free_made(tuple: pg_sys::HeapTuple) {
    // SAFETY: called by the planner with the tuple above.
    unsafe { pg_sys::pfree(tuple.cast()) }
}

/// Does row security apply to what has this number, or to what that is a part of?
///
/// # Safety
/// `number` must be one that the planner has given.
pub unsafe fn is_under_row_security(root: *const pg_sys::PlannerInfo, number: u32) -> bool {
    let mut number = number;
    loop {
        // SAFETY: by the caller's promise: the arrays have a place for each entry; parents have smaller numbers, or none.
        unsafe {
            let entry = *(*root).simple_rte_array.add(number as usize);
            if !entry.is_null() && !(*entry).securityQuals.is_null() {
                return true;
            }
            if (*root).append_rel_array.is_null() {
                return false;
            }
            match (*(*root).append_rel_array.add(number as usize)).as_ref() {
                Some(part) => number = part.parent_relid,
                None => return false,
            }
        }
    }
}

/// Takes the statistics of keys out of what the planner knows of a relation under row security, or of a child of one.
///
/// # Safety
/// As above.
#[pg_guard]
pub unsafe extern "C-unwind" fn hide(
    root: *mut pg_sys::PlannerInfo,
    oid: pg_sys::Oid,
    relation: *mut pg_sys::RelOptInfo,
) {
    // SAFETY: by the caller's promise; the arrays have a place for each entry, and parents are known before their children.
    unsafe {
        if (*relation).statlist.is_null() {
            return;
        }
        // Where protection cannot be read the statement fails anyway.
        let Ok(Some(protected)) = registry::protected(oid) else {
            return;
        };
        if !is_under_row_security(root, (*relation).relid) {
            return;
        }
        let shown = PgList::<pg_sys::StatisticExtInfo>::from_pg((*relation).statlist);
        let mut kept = PgList::<pg_sys::StatisticExtInfo>::new();
        for information in shown.iter_ptr() {
            let is_hidden = |known: &KeyStatistics| known.oid == (*information).statOid;
            if !protected.statistics.iter().any(is_hidden) {
                kept.push(information);
            }
        }
        (*relation).statlist = kept.into_pg();
    }
}

/// Gives the statistics of a column of a table, or of its children too, or of an index. False where there are none.
///
/// # Safety
/// As above.
unsafe fn give(
    variable: *mut pg_sys::VariableStatData,
    relation: pg_sys::Oid,
    column: pg_sys::AttrNumber,
    with_children: bool,
) -> bool {
    // SAFETY: the planner frees the tuple with the function that it is given.
    unsafe {
        let tuple = pg_sys::SearchSysCache3(
            pg_sys::SysCacheIdentifier::STATRELATTINH as i32,
            pg_sys::Datum::from(relation),
            pg_sys::Datum::from(column),
            pg_sys::Datum::from(with_children),
        );
        if tuple.is_null() {
            return false;
        }
        (*variable).statsTuple = tuple;
        (*variable).freefunc = Some(release);
        (*variable).acl_ok = true;
        true
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn release(tuple: pg_sys::HeapTuple) {
    // SAFETY: called by the planner with the tuple above.
    unsafe { pg_sys::ReleaseSysCache(tuple) }
}

/// The statistics of a partial index are not those of the table.
fn is_on_all_rows(index: pg_sys::Oid) -> bool {
    // SAFETY: the planner holds a lock on the index.
    unsafe {
        let relation = pg_sys::index_open(index, pg_sys::NoLock as pg_sys::LOCKMODE);
        let all = pg_sys::RelationGetIndexPredicate(relation).is_null();
        pg_sys::index_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
        all
    }
}

/// # Safety
/// As above.
#[pg_guard]
unsafe extern "C-unwind" fn is_hidden(
    variable: *mut pg_sys::VariableStatData,
    index: pg_sys::Oid,
) -> bool {
    // SAFETY: the planner has set the expression that it asks about.
    if unsafe { is_of_policy((*variable).var) } {
        return false;
    }
    // SAFETY: an index belongs to a table, which the statement has locked.
    let relation = unsafe {
        if (*variable).rel.is_null() {
            return false;
        }
        pg_sys::IndexGetRelation(index, true)
    };
    // Where protection cannot be read the statement fails anyway.
    let Ok(Some(protected)) = registry::protected(relation) else {
        return false;
    };
    let is_ours =
        |key: &IndexedKey| matches!(key, IndexedKey::Function { .. } | IndexedKey::Document);
    protected
        .indexes
        .iter()
        .any(|found| found.oid == index && found.keys.iter().any(is_ours))
}

/// Is it the call of a function with a constant of a policy among its arguments?
///
/// # Safety
/// `expression` must be null or a node.
unsafe fn is_of_policy(expression: *mut pg_sys::Node) -> bool {
    // SAFETY: by the caller's promise; nodes are looked at as what their tags say.
    unsafe {
        if expression.is_null() || !pgrx::is_a(expression, pg_sys::NodeTag::T_FuncExpr) {
            return false;
        }
        PgList::<pg_sys::Node>::from_pg((*expression.cast::<pg_sys::FuncExpr>()).args)
            .iter_ptr()
            .any(|node| {
                pgrx::is_a(node, pg_sys::NodeTag::T_Const)
                    && (*node.cast::<pg_sys::Const>()).location == MARK
            })
    }
}
