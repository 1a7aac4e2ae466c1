//! Statistics of index expressions are for policies only.
//!
//! An index on `targets(resource, …)` has statistics of all rows, and PostgreSQL lets leakproof operators use them under row
//! security: the number of rows that EXPLAIN expects would tell anybody what hidden rows hold. So the planner gets them
//! for conditions of policies alone, which it knows by a mark on their constants that no statement can write. Those get them for
//! all operators, leakproof or not: what a policy compares with is not the statement's choice.
//!
//! Columns of tables have statistics, too, and row security keeps them from operators that are not leakproof, such as `@>`: the
//! planner takes 1 % of the rows then, and a list from an index on the content that it believes to be short, beside one of some
//! rows by their ids. So policies get those likewise, by a mark on their columns.

use crate::node::index::IndexedKey;
use crate::node::tree::{self, Mutator};
use crate::registry;
use pgrx::PgList;
use pgrx::prelude::*;

/// The place in the source text that a policy's constant or column claims to have. Those of a statement are not negative, and -1 is
/// "unknown"; it survives copying, and no comparison of expressions looks at it.
pub const MARK: i32 = -4_242;

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
    unsafe { tree::mutate(qual, &mut Columns) }
}

struct Columns;

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
            (*copy).location = MARK;
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
        match PREVIOUS_OF_COLUMNS {
            Some(previous) if previous(root, entry, column, variable) => true,
            _ => give_column(variable, entry, column),
        }
    }
}

/// Gives a condition of a policy the statistics of a column. False where it is none, or where there are none.
///
/// # Safety
/// As above.
#[pg_guard]
unsafe extern "C-unwind" fn give_column(
    variable: *mut pg_sys::VariableStatData,
    entry: *mut pg_sys::RangeTblEntry,
    column: pg_sys::AttrNumber,
) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        let of_policy = pgrx::is_a((*variable).var, pg_sys::NodeTag::T_Var)
            && (*(*variable).var.cast::<pg_sys::Var>()).location == MARK;
        of_policy
            && (*entry).rtekind == pg_sys::RTEKind::RTE_RELATION
            && give(variable, (*entry).relid, column, (*entry).inh)
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
        if is_hidden(variable, index) {
            // "Taken care of", and there are none.
            return true;
        }
        match PREVIOUS {
            Some(previous) if previous(root, index, column, variable) => true,
            _ => give_to_policy(variable, index, column),
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
    variable: *mut pg_sys::VariableStatData,
    index: pg_sys::Oid,
    column: pg_sys::AttrNumber,
) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        is_of_policy((*variable).var)
            && is_on_all_rows(index)
            && give(variable, index, column, false)
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
