//! The finished plan: nothing in it reaches a protected relation, or what is hidden in one, but by our predicates and masks.
//!
//! The rewriter's work is checked in what comes of it, whatever it has seen:
//!
//! * every range table entry of a protected relation bears the mark that its predicates are there, also one that only the
//!   planner knows (partitions, functions that it inlined);
//! * no expression of the statement refers to a column that is masked. Plans hand stored columns up from node to node for the
//!   masks above, so these are followed: a reference to one may be handed on as it is, or stand in an expression that is ours
//!   ([`crate::node::origin`]), and nowhere else: in no condition, key, aggregate, parameter or result, and in nothing that is written.
//!
//! What is asked of a statement that reads nothing masked is a look at its range table.

use super::masking;
use crate::error::{Error, Result};
use crate::node::{relation, tree};
use pgrx::PgList;
use pgrx::prelude::*;
use std::collections::{HashMap, HashSet};

mod flow;
mod nodes;

pub use nodes::{conditions, scanned};

/// What kind of place in a statement a part of its plan comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Statement,
    Subquery,
    SetOperation,
    Cte,
    Sublink,
    Condition,
    Key,
    Parameter,
    Returning,
    OnConflict,
    Merge,
    ViewCheck,
    Written,
    Target,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Shape::Statement => {
                "its own FROM, or a subquery, view or SQL function that was merged into it"
            }
            Shape::Subquery => "a subquery or view in FROM",
            Shape::SetOperation => "a set operation, partition or child table",
            Shape::Cte => "a CTE",
            Shape::Sublink => "a subquery in an expression",
            Shape::Condition => "a condition",
            Shape::Key => "a key of sorting, grouping or joining",
            Shape::Parameter => "a parameter of a join or subquery",
            Shape::Returning => "RETURNING",
            Shape::OnConflict => "ON CONFLICT",
            Shape::Merge => "an action of MERGE",
            Shape::ViewCheck => "WITH CHECK OPTION",
            Shape::Written => "what it writes",
            Shape::Target => "the relation that it writes to",
        }
    }
}

/// A plan under examination.
struct Plan {
    entries: Vec<*mut pg_sys::RangeTblEntry>,
    /// The masked columns of each entry.
    masked: Vec<Vec<i16>>,
    /// The plans of subqueries, by their number less one.
    subplans: Vec<*mut pg_sys::Plan>,
    /// Parameters of the executor that carry a masked column as it is stored, and of which relation.
    parameters: HashMap<i32, pg_sys::Oid>,
    /// Plans of CTEs, by their number less one.
    ctes: HashSet<i32>,
    /// Predicates of the partial indexes that a bitmap is made of. Rows are tested for them again.
    predicates: Vec<*mut pg_sys::Node>,
    /// Is this the walk that refuses? The first gathers parameters.
    refuses: bool,
}

/// Refuses a plan that reaches a protected relation by a way that was not masked, or that writes to a partition whose trigger
/// somebody switched off.
///
/// # Safety
/// `plan` must be a finished plan.
pub unsafe fn check(plan: *const pg_sys::PlannedStmt) -> Result<()> {
    // SAFETY: by the caller's promise.
    unsafe {
        let entries = tree::range_table((*plan).rtable);
        let mut unmarked = None;
        for entry in &entries {
            if masking::is_enforceable(*entry)? && !masking::is_marked(*entry) {
                unmarked = Some((**entry).relid);
            }
        }
        let masked: Vec<Vec<i16>> = entries
            .iter()
            .map(|entry| masking::masked_columns(*entry))
            .collect();
        if unmarked.is_some() || masked.iter().any(|columns| !columns.is_empty()) {
            let subplans = PgList::<pg_sys::Plan>::from_pg((*plan).subplans);
            let mut walk = Plan {
                entries: entries.clone(),
                masked,
                subplans: subplans.iter_ptr().collect(),
                parameters: HashMap::new(),
                ctes: HashSet::new(),
                predicates: Vec::new(),
                refuses: false,
            };
            for refuses in [false, true] {
                walk.refuses = refuses;
                walk.statement(plan)?;
            }
        }
        if let Some(relation) = unmarked {
            return Err(refusal(relation, Shape::Statement));
        }
        for number in PgList::<std::ffi::c_void>::from_pg((*plan).resultRelations).iter_int() {
            let place = usize::try_from(number).unwrap_or(0).wrapping_sub(1);
            if let Some(entry) = entries.get(place) {
                masking::check_target(*entry)?;
            }
        }
    }
    Ok(())
}

fn refusal(oid: pg_sys::Oid, shape: Shape) -> Error {
    Error::Unsupported(format!(
        "this statement reaches the protected relation {} in a way that fhir_access cannot mask: by {}",
        relation::qualified_name(oid),
        shape.name()
    ))
    .about(oid)
}
