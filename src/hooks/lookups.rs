//! What it costs to ask a GIN index for each of a policy's many values.
//!
//! PostgreSQL 15 charges for the pages that such a scan reads, and nothing for finding a thousand places in the index, so that it
//! combines a list of a thousand patients with an index that leaves a hundred rows, where to look at the hundred rows takes a
//! thirtieth of the time. And to know how many pages there are it has the keys of each value made and looks each of
//! them up in statistics, which takes as long as the scan. What a policy's list finds is known before any index is
//! looked at: the estimate here takes it from there.

use super::statistics::MARK;
use crate::node::detoast;
use crate::registry;
use pgrx::PgList;
use pgrx::prelude::*;
use std::cell::Cell;
use std::mem::transmute;
use std::thread::LocalKey;

/// An index's own estimator, as `amapi.h` declares it.
pub type Estimator = unsafe extern "C-unwind" fn(
    *mut pg_sys::PlannerInfo,
    *mut pg_sys::IndexPath,
    f64,
    *mut pg_sys::Cost,
    *mut pg_sys::Cost,
    *mut pg_sys::Selectivity,
    *mut f64,
    *mut f64,
);

/// As `IndexOptInfo` declares it.
pub type Undeclared = unsafe extern "C-unwind" fn();

thread_local! {
    /// GIN's own.
    static OF_GIN: Cell<Option<Undeclared>> = const { Cell::new(None) };
}

/// So many values are many.
const MANY: f64 = 8.0;

/// To find the place of a value in an index, in operators: some 3 µs, where a document's texts take one.
const LOOKUP: f64 = 1_500.0;

/// Has the planner ask here for the costs of the GIN indexes of a protected relation.
///
/// # Safety
/// `relation` must be what the planner knows of `oid`.
#[pg_guard]
pub unsafe extern "C-unwind" fn watch(oid: pg_sys::Oid, relation: *mut pg_sys::RelOptInfo) {
    // SAFETY: by the caller's promise; the list holds what the planner knows of each index, which is its own to change.
    unsafe {
        let indexes = PgList::<pg_sys::IndexOptInfo>::from_pg((*relation).indexlist);
        let is_gin = |index: &*mut pg_sys::IndexOptInfo| (**index).relam == pg_sys::Oid::from(GIN);
        if !indexes.iter_ptr().any(|index| is_gin(&index)) {
            return;
        }
        // Where protection cannot be read the statement fails anyway.
        let Ok(Some(_)) = registry::protected(oid) else {
            return;
        };
        for index in indexes.iter_ptr().filter(is_gin) {
            stand_in(index, estimate, &OF_GIN);
        }
    }
}

/// Puts an estimator in the place of an index's own, which is kept.
///
/// # Safety
/// `index` must be what the planner knows of an index, which is its own to change.
pub unsafe fn stand_in(
    index: *mut pg_sys::IndexOptInfo,
    ours: Estimator,
    own: &'static LocalKey<Cell<Option<Undeclared>>>,
) {
    // SAFETY: by the caller's promise; an estimator is what `amapi.h` says, whatever it is declared as.
    unsafe {
        let ours = transmute::<Estimator, Undeclared>(ours);
        if let Some(found) = (*index).amcostestimate
            && found as usize != ours as usize
        {
            own.set(Some(found));
            (*index).amcostestimate = Some(ours);
        }
    }
}

/// GIN in `pg_am`.
const GIN: u32 = 2742;

/// A plain frame: see [`super::standard`].
unsafe extern "C-unwind" fn estimate(
    root: *mut pg_sys::PlannerInfo,
    path: *mut pg_sys::IndexPath,
    loops: f64,
    startup: *mut pg_sys::Cost,
    total: *mut pg_sys::Cost,
    selectivity: *mut pg_sys::Selectivity,
    correlation: *mut f64,
    pages: *mut f64,
) {
    // SAFETY: called by the planner, with places for the results; GIN's own estimator gets the same.
    unsafe {
        let mut known = Known::default();
        if loops <= 1.0 && of_list(root, path, &mut known) {
            *startup = known.startup;
            *total = known.total;
            *selectivity = known.selectivity;
            *correlation = 0.0;
            *pages = known.pages;
        } else if let Some(own) = OF_GIN.get() {
            transmute::<Undeclared, Estimator>(own)(
                root,
                path,
                loops,
                startup,
                total,
                selectivity,
                correlation,
                pages,
            );
        }
    }
}

#[derive(Default)]
struct Known {
    startup: f64,
    total: f64,
    selectivity: f64,
    pages: f64,
}

/// What is known of a scan that asks for each value of a policy's list, and for nothing else. False where it is none.
///
/// # Safety
/// `path` must be the planner's, of a GIN index.
#[pg_guard]
unsafe extern "C-unwind" fn of_list(
    root: *mut pg_sys::PlannerInfo,
    path: *mut pg_sys::IndexPath,
    known: &mut Known,
) -> bool {
    // SAFETY: by the caller's promise.
    match unsafe { cost(root, &*path) } {
        Some(cost) => {
            *known = cost;
            true
        }
        None => false,
    }
}

/// # Safety
/// As above.
unsafe fn cost(root: *mut pg_sys::PlannerInfo, path: &pg_sys::IndexPath) -> Option<Known> {
    // SAFETY: by the caller's promise: a path has its index and its clauses.
    unsafe {
        let clauses = PgList::<pg_sys::IndexClause>::from_pg(path.indexclauses);
        let index = &*path.indexinfo;
        if clauses.len() != 1 || !index.indpred.is_null() {
            return None;
        }
        let clause = &*clauses.get_ptr(0)?;
        let values = values(clause)?;
        if values < MANY {
            return None;
        }
        // The planner has asked for this before, and keeps it with the clause.
        let selectivity = pg_sys::clause_selectivity(
            root,
            clause.rinfo.cast(),
            0,
            pg_sys::JoinType::JOIN_INNER,
            std::ptr::null_mut(),
        );
        let mut page = 0.0;
        pg_sys::get_tablespace_page_costs(index.reltablespace, &mut page, std::ptr::null_mut());
        let operator = pg_sys::cpu_operator_cost;
        let all = f64::from(index.pages).max(1.0);
        // As GIN's own: that many pages from the root, each read once.
        let found = (values * all.powf(0.15).round()).min(all);
        let rows = index.tuples.max(0.0) * selectivity;
        let lists = (rows / (f64::from(pg_sys::BLCKSZ) / 3.0)).ceil();
        let startup = found * page + values * LOOKUP * operator;
        Some(Known {
            startup,
            total: startup + lists * page + rows * (pg_sys::cpu_index_tuple_cost + operator),
            selectivity,
            pages: lists,
        })
    }
}

/// How many values an index is asked for one by one, in the place of a policy's list.
///
/// # Safety
/// `clause` must be the planner's.
unsafe fn values(clause: &pg_sys::IndexClause) -> Option<f64> {
    // SAFETY: by the caller's promise; nodes are looked at as what their tags say.
    unsafe {
        let conditions = PgList::<pg_sys::RestrictInfo>::from_pg(clause.indexquals);
        if conditions.len() != 1 {
            return None;
        }
        let condition = (*conditions.get_ptr(0)?).clause;
        if !pgrx::is_a(condition.cast(), pg_sys::NodeTag::T_ScalarArrayOpExpr) {
            return None;
        }
        let condition = &*condition.cast::<pg_sys::ScalarArrayOpExpr>();
        let list = PgList::<pg_sys::Node>::from_pg(condition.args).get_ptr(1)?;
        if !condition.useOr || !pgrx::is_a(list, pg_sys::NodeTag::T_Const) {
            return None;
        }
        let list = &*list.cast::<pg_sys::Const>();
        if list.constisnull || list.location != MARK {
            return None;
        }
        let array = detoast::whole(list.constvalue).cast::<pg_sys::ArrayType>();
        let dimensions = array
            .cast::<u8>()
            .add(size_of::<pg_sys::ArrayType>())
            .cast();
        Some(f64::from(pg_sys::ArrayGetNItems((*array).ndim, dimensions)))
    }
}
