//! Which columns an expression of a statement reads, and whether all of them are protected tables'.

use super::Twins;
use crate::hooks::{mark, masking};
use crate::node::tree::{self, Visitor};
use pgrx::PgList;
use pgrx::prelude::*;
use std::ffi::CStr;

impl Twins {
    /// Does an expression read protected tables, and no other?
    ///
    /// # Safety
    /// `expression` must be one of the query on top, or a list of them.
    pub(super) unsafe fn is_protected(&self, expression: *mut pg_sys::List) -> bool {
        // SAFETY: by the caller's promise.
        unsafe {
            reads(expression.cast()).is_some_and(|variables| {
                !variables.is_empty()
                    && variables.into_iter().all(|variable| {
                        let above = usize::try_from((*variable).varlevelsup).ok();
                        above
                            .and_then(|above| self.levels.len().checked_sub(above + 1))
                            .is_some_and(|level| self.is_of_protected(level, None, variable, 0))
                    })
            })
        }
    }

    /// Is a variable a column of a protected table, or one that a subquery only hands on? `inside` is a subquery of the level.
    ///
    /// # Safety
    /// The variable must be one of the query of the level, or of the one inside.
    unsafe fn is_of_protected(
        &self,
        level: usize,
        inside: Option<*mut pg_sys::Query>,
        variable: *const pg_sys::Var,
        depth: usize,
    ) -> bool {
        /// Views in views.
        const DEEPEST: usize = 16;
        // SAFETY: by the caller's promise.
        unsafe {
            let Some(query) = inside.or(self.levels.get(level).copied()) else {
                return false;
            };
            let entries = tree::range_table((*query).rtable);
            let place = usize::try_from((*variable).varno).unwrap_or(0);
            let Some(entry) = place.checked_sub(1).and_then(|place| entries.get(place)) else {
                return false;
            };
            let column = usize::try_from((*variable).varattno).unwrap_or(0);
            let below = match (**entry).rtekind {
                pg_sys::RTEKind::RTE_RELATION => return is_secured(*entry),
                pg_sys::RTEKind::RTE_JOIN => {
                    let columns = PgList::<pg_sys::Node>::from_pg((**entry).joinaliasvars);
                    return column
                        .checked_sub(1)
                        .and_then(|place| columns.get_ptr(place))
                        .is_some_and(|node| {
                            depth < DEEPEST
                                && pgrx::is_a(node, pg_sys::NodeTag::T_Var)
                                && self.is_of_protected(level, inside, node.cast(), depth + 1)
                        });
                }
                // What an owner's barrier keeps back is not ours to let by.
                pg_sys::RTEKind::RTE_SUBQUERY if !(**entry).security_barrier => (**entry).subquery,
                pg_sys::RTEKind::RTE_CTE if inside.is_none() => self.cte(level, *entry),
                _ => return false,
            };
            if below.is_null()
                || depth >= DEEPEST
                || (*below).commandType != pg_sys::CmdType::CMD_SELECT
                || !(*below).setOperations.is_null()
            {
                return false;
            }
            let targets = PgList::<pg_sys::TargetEntry>::from_pg((*below).targetList);
            let is_it =
                |target: &*mut pg_sys::TargetEntry| usize::try_from((**target).resno) == Ok(column);
            let Some(target) = targets.iter_ptr().find(is_it) else {
                return false;
            };
            let node = (*target).expr;
            pgrx::is_a(node.cast(), pg_sys::NodeTag::T_Var)
                && (*node.cast::<pg_sys::Var>()).varlevelsup == 0
                && self.is_of_protected(level, Some(below), node.cast(), depth + 1)
        }
    }

    /// The query of a CTE.
    ///
    /// # Safety
    /// `entry` must be an entry of the level's query, for a CTE.
    unsafe fn cte(&self, level: usize, entry: *const pg_sys::RangeTblEntry) -> *mut pg_sys::Query {
        // SAFETY: by the caller's promise; names are C strings.
        unsafe {
            let above = usize::try_from((*entry).ctelevelsup).ok();
            let query = above
                .and_then(|above| level.checked_sub(above))
                .and_then(|level| self.levels.get(level));
            let Some(query) = query else {
                return std::ptr::null_mut();
            };
            let name = CStr::from_ptr((*entry).ctename);
            let is_it = |cte: &*mut pg_sys::CommonTableExpr| {
                CStr::from_ptr((**cte).ctename) == name && !(**cte).cterecursive
            };
            PgList::<pg_sys::CommonTableExpr>::from_pg((**query).cteList)
                .iter_ptr()
                .find(is_it)
                .map_or(std::ptr::null_mut(), |cte| (*cte).ctequery.cast())
        }
    }
}

/// Is this the entry of a protected table, with conditions of row security's that do not hold for all rows?
///
/// # Safety
/// `entry` must be an entry of a table.
unsafe fn is_secured(entry: *const pg_sys::RangeTblEntry) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        masking::is_marked(entry)
            && PgList::<pg_sys::Node>::from_pg((*entry).securityQuals)
                .iter_ptr()
                .any(|qual| !holds(mark::marked(qual).unwrap_or(qual)))
    }
}

/// Do conditions that are not ours, too, keep rows of a protected table back?
///
/// # Safety
/// `entry` must be an entry of a query.
pub(super) unsafe fn is_narrowed(entry: *const pg_sys::RangeTblEntry) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        masking::is_marked(entry)
            && PgList::<pg_sys::Node>::from_pg((*entry).securityQuals)
                .iter_ptr()
                .any(|qual| mark::of(qual).is_none() && !holds(qual))
    }
}

/// Is it a constant, or visible policies alone, of which the planner knows that they hold?
///
/// # Safety
/// `condition` must be an expression.
unsafe fn holds(condition: *mut pg_sys::Node) -> bool {
    // SAFETY: a node is looked at as what its tag says.
    unsafe {
        match (*condition).type_ {
            pg_sys::NodeTag::T_Const => true,
            pg_sys::NodeTag::T_FuncExpr => (*condition.cast::<pg_sys::FuncExpr>()).args.is_null(),
            pg_sys::NodeTag::T_BoolExpr => {
                PgList::<pg_sys::Node>::from_pg((*condition.cast::<pg_sys::BoolExpr>()).args)
                    .iter_ptr()
                    .all(|argument| holds(argument))
            }
            _ => false,
        }
    }
}

/// The variables of an expression; `None` where it has a subquery or a parameter of the executor.
///
/// # Safety
/// `expression` must be null, an expression or a list of them.
pub(super) unsafe fn reads(expression: *mut pg_sys::Node) -> Option<Vec<*const pg_sys::Var>> {
    struct Reads {
        variables: Vec<*const pg_sys::Var>,
        is_plain: bool,
    }
    impl Visitor for Reads {
        unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
            // SAFETY: a node is looked at as what its tag says.
            unsafe {
                match (*node).type_ {
                    pg_sys::NodeTag::T_Var => self.variables.push(node.cast()),
                    pg_sys::NodeTag::T_Query | pg_sys::NodeTag::T_SubLink => self.is_plain = false,
                    pg_sys::NodeTag::T_Param => {
                        self.is_plain &= (*node.cast::<pg_sys::Param>()).paramkind
                            == pg_sys::ParamKind::PARAM_EXTERN;
                    }
                    _ => {}
                }
                self.is_plain
            }
        }
    }
    let mut reads = Reads {
        variables: Vec::new(),
        is_plain: true,
    };
    // SAFETY: by the caller's promise.
    unsafe { tree::visit(expression, &mut reads) };
    reads.is_plain.then_some(reads.variables)
}
