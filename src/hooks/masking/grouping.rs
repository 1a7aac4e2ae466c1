//! Grouping sets. In a total (`ROLLUP`, `CUBE`) PostgreSQL shows NULL in the place of what is not grouped by, which it finds by
//! comparing expressions. Two copies of one subquery are different to it, and so is what a subquery of the statement reads of
//! the row itself. A mask in such a place would show some row's value in a total: the statement is refused, with the way out.

use super::Rewriter;
use super::template::Replacement;
use crate::error::{Error, Result};
use crate::node::relation;
use crate::node::tree::{self, Mutator};
use pgrx::PgList;
use pgrx::prelude::*;

/// Takes out what a group is not told by, aggregates, and what is looked at by itself, subqueries.
#[derive(Default)]
struct Apart {
    subqueries: Vec<*mut pg_sys::Node>,
}

impl Mutator for Apart {
    unsafe fn replace(&mut self, node: *mut pg_sys::Node) -> Option<*mut pg_sys::Node> {
        // SAFETY: a node's tag says what it is.
        unsafe {
            let is = |tag| pgrx::is_a(node, tag);
            if is(pg_sys::NodeTag::T_SubLink) {
                self.subqueries.push(node);
            } else if !is(pg_sys::NodeTag::T_Aggref) && !is(pg_sys::NodeTag::T_GroupingFunc) {
                return None;
            }
            Some(pg_sys::makeBoolConst(false, true))
        }
    }
}

impl Rewriter {
    /// Refuses what beside aggregates and whole grouped expressions would need a mask, under grouping sets.
    ///
    /// # Safety
    /// `query` must be the query on top of the levels, not rewritten yet.
    pub(super) unsafe fn check_grouping_sets(&self, query: *mut pg_sys::Query) -> Result<()> {
        // SAFETY: by the caller's promise; the lists hold nodes of these types.
        unsafe {
            if (*query).groupingSets.is_null() {
                return Ok(());
            }
            let groups = PgList::<pg_sys::SortGroupClause>::from_pg((*query).groupClause);
            let targets = PgList::<pg_sys::TargetEntry>::from_pg((*query).targetList);
            let ungrouped = targets.iter_ptr().filter(|target| {
                let reference = (**target).ressortgroupref;
                let is_it = |group: *mut pg_sys::SortGroupClause| {
                    reference != 0 && (*group).tleSortGroupRef == reference
                };
                !groups.iter_ptr().any(is_it)
            });
            let shown = ungrouped.map(|target| (*target).expr.cast());
            for expression in shown.chain([(*query).havingQual]) {
                let expression = pg_sys::flatten_join_alias_vars(query, expression);
                let mut apart = Apart::default();
                let direct = tree::mutate(expression, &mut apart);
                self.check_grouped(direct, false)?;
                for subquery in apart.subqueries {
                    self.check_grouped(subquery, true)?;
                }
            }
            Ok(())
        }
    }

    /// Refuses an expression of the query on top that reads masked columns: in a subquery, or of a mask that is one.
    ///
    /// # Safety
    /// `expression` must be null or an expression of the query on top of the levels.
    unsafe fn check_grouped(&self, expression: *mut pg_sys::Node, in_subquery: bool) -> Result<()> {
        // SAFETY: by the caller's promise; the list holds Vars.
        unsafe {
            for (up, level) in (0..).zip(self.levels.iter().rev()) {
                let vars = pg_sys::pull_vars_of_level(expression, up);
                for var in PgList::<pg_sys::Var>::from_pg(vars).iter_ptr() {
                    let place = usize::try_from((*var).varno).unwrap_or(0).wrapping_sub(1);
                    let Some(mask) = level.masks.get(place).and_then(Option::as_ref) else {
                        continue;
                    };
                    if !(mask.asks_current_row() || in_subquery && up == 0) {
                        continue;
                    }
                    if let Replacement::Expression(_) = mask.replacement((*var).varattno)? {
                        let table = mask.relation();
                        return Err(Error::Unsupported(format!(
                            "GROUPING SETS, ROLLUP and CUBE over what is masked of {0} take a subquery: FROM (SELECT … FROM {0}) AS …",
                            relation::qualified_name(table)
                        ))
                        .about(table));
                    }
                }
            }
            Ok(())
        }
    }
}
