//! The second form of a statement that reads histories, in which current rows are joined.
//!
//! PostgreSQL asks row security's conditions row by row: of an EXISTS among them it makes no join. Of many versions that is
//! slow, and it cannot begin with the few current rows that are granted. In the second form a history is a subquery behind a
//! barrier, like a view `WITH (security_barrier)`: the question to the current row is in its WHERE, where it becomes a join, and
//! nothing of the statement comes in but leakproof conditions. What the history is joined with stays outside as well, so the
//! first form is better where that leaves few versions: the planner's hook takes the cheaper one. An order that an index has does
//! not come out, so what a LIMIT may end early has no second form.

use super::versions;
use crate::hooks::mark;
use crate::node::relation::OpenRelation;
use crate::node::tree::{self, Mutator};
use pgrx::PgList;
use pgrx::prelude::*;

/// A copy of a rewritten statement in the second form; `None` where it has none.
///
/// # Safety
/// `query` must be a query that the rewriter is done with.
pub unsafe fn second_form(query: *const pg_sys::Query) -> Option<*mut pg_sys::Query> {
    // SAFETY: the copy shares nothing with the query.
    unsafe {
        let copy = pg_sys::copyObjectImpl(query.cast()).cast::<pg_sys::Query>();
        let mut barriers = Barriers {
            any: false,
            limited: false,
        };
        barriers.query(copy);
        barriers.any.then_some(copy)
    }
}

struct Barriers {
    /// Did the statement change?
    any: bool,
    /// May a query above end before it has all rows?
    limited: bool,
}

impl Mutator for Barriers {
    unsafe fn replace(&mut self, node: *mut pg_sys::Node) -> Option<*mut pg_sys::Node> {
        // SAFETY: a node's tag says what it is.
        unsafe {
            if !pgrx::is_a(node, pg_sys::NodeTag::T_Query) {
                return None;
            }
            self.query(node.cast());
            Some(node)
        }
    }
}

impl Barriers {
    /// # Safety
    /// `query` must be a query that may be scribbled on.
    unsafe fn query(&mut self, query: *mut pg_sys::Query) {
        // SAFETY: by the caller's promise.
        unsafe {
            let above = self.limited;
            self.limited = !reads_all_first(query) && (above || !(*query).limitCount.is_null());
            tree::mutate_query(query, self);
            let limited = std::mem::replace(&mut self.limited, above);
            // Rows that are locked, or that what is written depends on, are looked at again one by one.
            if limited
                || (*query).commandType != pg_sys::CmdType::CMD_SELECT
                || !(*query).rowMarks.is_null()
            {
                return;
            }
            for (number, entry) in (1_i32..).zip(tree::range_table((*query).rtable)) {
                if let Some(judgement) = judgement(entry).filter(|_| may_be_subquery(entry)) {
                    put_behind(query, entry, number, judgement);
                    self.any = true;
                }
            }
        }
    }
}

/// Does a query need all its rows before it has the first of its result? Then what it reads is never ended early.
///
/// # Safety
/// `query` must be a query.
unsafe fn reads_all_first(query: *const pg_sys::Query) -> bool {
    // SAFETY: by the caller's promise.
    unsafe { (*query).hasAggs || (*query).hasWindowFuncs || !(*query).groupClause.is_null() }
}

/// What the current row says about the versions of an entry: the last of its conditions, see [`super::judge`].
///
/// # Safety
/// `entry` must be a range table entry.
unsafe fn judgement(entry: *const pg_sys::RangeTblEntry) -> Option<*mut pg_sys::Node> {
    // SAFETY: by the caller's promise.
    unsafe {
        let quals = PgList::<pg_sys::Node>::from_pg((*entry).securityQuals);
        let last = quals.get_ptr(quals.len().checked_sub(1)?)?;
        mark::marked(last)
            .is_some_and(|condition| versions::is_judgement(condition))
            .then_some(last)
    }
}

/// A subquery has no system columns, and a sample would be taken of another table's rows.
///
/// # Safety
/// `entry` must be the entry of a table.
unsafe fn may_be_subquery(entry: *const pg_sys::RangeTblEntry) -> bool {
    // SAFETY: by the caller's promise. The parser notes every column that a statement reads, to check privileges.
    unsafe {
        (*entry).tablesample.is_null()
            && (pg_sys::FirstLowInvalidHeapAttributeNumber + 1..0).all(|number| {
                let place = number - pg_sys::FirstLowInvalidHeapAttributeNumber;
                !pg_sys::bms_is_member(place, (*entry).selectedCols)
            })
    }
}

/// Makes an entry a subquery with all columns of its table, at their places.
///
/// # Safety
/// `entry` must be the entry with this number of `query`, and `judgement` the last of its security quals.
unsafe fn put_behind(
    query: *const pg_sys::Query,
    entry: *mut pg_sys::RangeTblEntry,
    number: i32,
    judgement: *mut pg_sys::Node,
) {
    // SAFETY: by the caller's promise; palloc0 gives zeroed nodes, every field of which that matters is set.
    unsafe {
        let table = pg_sys::copyObjectImpl(entry.cast()).cast::<pg_sys::RangeTblEntry>();
        (*table).securityQuals = pg_sys::list_delete_last((*table).securityQuals);
        pg_sys::ChangeVarNodes((*table).securityQuals.cast(), number, 1, 0);
        pg_sys::ChangeVarNodes(judgement, number, 1, 0);

        let from = pg_sys::palloc0(size_of::<pg_sys::RangeTblRef>()).cast::<pg_sys::RangeTblRef>();
        (*from).type_ = pg_sys::NodeTag::T_RangeTblRef;
        (*from).rtindex = 1;
        let subquery = pg_sys::palloc0(size_of::<pg_sys::Query>()).cast::<pg_sys::Query>();
        (*subquery).type_ = pg_sys::NodeTag::T_Query;
        (*subquery).commandType = pg_sys::CmdType::CMD_SELECT;
        (*subquery).canSetTag = true;
        (*subquery).hasSubLinks = true;
        (*subquery).hasRowSecurity = (*query).hasRowSecurity;
        (*subquery).rtable = pg_sys::lappend(std::ptr::null_mut(), table.cast());
        (*subquery).jointree = pg_sys::makeFromExpr(
            pg_sys::lappend(std::ptr::null_mut(), from.cast()),
            judgement,
        );
        (*subquery).targetList = columns((*table).relid);

        // Privileges are checked on the table's own entry.
        (*entry).rtekind = pg_sys::RTEKind::RTE_SUBQUERY;
        (*entry).subquery = subquery;
        (*entry).security_barrier = true;
        (*entry).securityQuals = std::ptr::null_mut();
        (*entry).relid = pg_sys::InvalidOid;
        (*entry).relkind = 0;
        (*entry).rellockmode = 0;
        (*entry).enrname = std::ptr::null_mut();
        (*entry).inh = false;
        (*entry).requiredPerms = 0;
        (*entry).checkAsUser = pg_sys::InvalidOid;
        (*entry).selectedCols = std::ptr::null_mut();
        (*entry).insertedCols = std::ptr::null_mut();
        (*entry).updatedCols = std::ptr::null_mut();
        (*entry).extraUpdatedCols = std::ptr::null_mut();
    }
}

/// A target list with all columns of a table, NULL for those that were dropped.
fn columns(relation: pg_sys::Oid) -> *mut pg_sys::List {
    let relation = OpenRelation::open(relation);
    // SAFETY: a tuple descriptor holds natts attributes; the nodes are new.
    unsafe {
        let descriptor = relation.tuple_desc();
        let count = usize::try_from((*descriptor).natts).unwrap_or(0);
        let mut list = std::ptr::null_mut();
        for attribute in (*descriptor).attrs.as_slice(count) {
            let value: *mut pg_sys::Expr = if attribute.attisdropped {
                pg_sys::makeNullConst(pg_sys::INT4OID, -1, pg_sys::InvalidOid).cast()
            } else {
                pg_sys::makeVar(
                    1,
                    attribute.attnum,
                    attribute.atttypid,
                    attribute.atttypmod,
                    attribute.attcollation,
                    0,
                )
                .cast()
            };
            let name = pg_sys::pstrdup(attribute.attname.data.as_ptr());
            let target = pg_sys::makeTargetEntry(value, attribute.attnum, name, false);
            list = pg_sys::lappend(list, target.cast());
        }
        list
    }
}
