//! The expressions that come with a table: of its indexes, statistics and partitions.

use super::table;
use crate::hooks::masking;
use crate::node::tree::{self, Visitor};
use pgrx::PgList;
use pgrx::prelude::*;

/// Lets the expressions that come with a protected table match those of a statement, whichever function stands in them.
///
/// # Safety
/// `info` must be what the planner knows of a relation.
#[pg_guard]
pub unsafe extern "C-unwind" fn open_expressions(
    root: *mut pg_sys::PlannerInfo,
    info: *mut pg_sys::RelOptInfo,
) {
    // SAFETY: the planner's own copies, made for this relation of this statement.
    unsafe {
        let entries = (*root).simple_rte_array;
        let place = usize::try_from((*info).relid).unwrap_or(0);
        if entries.is_null() || (*info).relid >= (*root).simple_rel_array_size as u32 {
            return;
        }
        let entry = *entries.add(place);
        if entry.is_null() || !masking::is_marked(entry) {
            return;
        }
        let open = |expression: *mut pg_sys::List| tree::visit(expression.cast(), &mut Open);
        for index in PgList::<pg_sys::IndexOptInfo>::from_pg((*info).indexlist).iter_ptr() {
            open((*index).indexprs);
            open((*index).indpred);
        }
        for statistics in PgList::<pg_sys::StatisticExtInfo>::from_pg((*info).statlist).iter_ptr() {
            open((*statistics).exprs);
        }
        if !(*info).part_scheme.is_null() && !(*info).partexprs.is_null() {
            let count = usize::try_from((*(*info).part_scheme).partnatts).unwrap_or(0);
            for key in 0..count {
                open(*(*info).partexprs.add(key));
            }
        }
        open((*info).partition_qual);
    }
}

struct Open;

impl Visitor for Open {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        // SAFETY: a node is looked at as what its tag says.
        unsafe {
            if pgrx::is_a(node, pg_sys::NodeTag::T_OpExpr) {
                let operator = node.cast::<pg_sys::OpExpr>();
                if table::of((*operator).opno).next().is_some() {
                    // "Not looked up yet": PostgreSQL looks it up again where it runs it.
                    (*operator).opfuncid = pg_sys::InvalidOid;
                }
            }
        }
        true
    }
}
