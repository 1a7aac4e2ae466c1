//! Versions of resources: the questions that are asked of the current row, as expressions in the statement.
//!
//! The current row is read by subqueries of ours, past row security and the user's privileges: their range table entries ask
//! for no right, bear the mark, and hold our condition instead of the table's policies.

use super::entry;
use crate::catalog::catalog;
use crate::error::{Error, Result};
use crate::hooks::{mark, statistics};
use crate::node::expr;
use crate::node::privilege::AsOwner;
use crate::node::tree::{self, Mutator};
use crate::predicate::Style;
use crate::predicate::current::Judge;
use crate::registry::Protected;
use crate::session::Session;
use access_policy::Interaction;
use pgrx::PgList;
use pgrx::prelude::*;

/// The condition that the current row puts on the versions in `protected`, over its row with `varno` 1; `None` where it puts
/// none, or where the table holds no versions.
pub fn judgement(session: &Session, protected: &Protected) -> Result<Option<*mut pg_sys::Node>> {
    let Some(current) = protected.current()? else {
        return Ok(None);
    };
    let reach = session.reach(
        protected.one_type().unwrap_or_default(),
        protected.reading(),
    )?;
    let judge = Judge {
        versions: protected,
        current: &current,
        reach: &reach,
    };
    let Some(text) = judge.condition(Style::Exact) else {
        return Ok(None);
    };
    let qual = parse(protected.relation, &text)?;
    // SAFETY: the expression is boolean, and new.
    Ok(Some(unsafe {
        mark::put(statistics::grant(qual), session.fingerprint)
    }))
}

/// Is this such a condition, without its mark? No predicate of ours is a subquery but these.
///
/// # Safety
/// `condition` must be a node.
pub unsafe fn is_judgement(condition: *mut pg_sys::Node) -> bool {
    // SAFETY: a node is looked at as what its tag says.
    unsafe {
        if !pgrx::is_a(condition, pg_sys::NodeTag::T_BoolExpr) {
            return pgrx::is_a(condition, pg_sys::NodeTag::T_SubLink);
        }
        let negation = condition.cast::<pg_sys::BoolExpr>();
        (*negation).boolop == pg_sys::BoolExprType::NOT_EXPR
            && PgList::<pg_sys::Node>::from_pg((*negation).args)
                .get_ptr(0)
                .is_some_and(|argument| pgrx::is_a(argument, pg_sys::NodeTag::T_SubLink))
    }
}

/// As [`expr::parse_for`], for a text that holds subqueries of ours.
pub fn parse(relation: pg_sys::Oid, text: &str) -> Result<*mut pg_sys::Node> {
    let Some(catalog) = catalog() else {
        return Err(Error::Internal("the extension is gone".to_owned()));
    };
    // The user may lack the right to name the other table's schema. Nothing is evaluated here.
    let _owner = AsOwner::of_extension(&catalog);
    let expression = expr::parse_for(relation, text)?;
    // SAFETY: a new expression.
    Ok(unsafe { tree::mutate(expression, &mut Adopt) })
}

/// Makes the subqueries of an expression ours.
struct Adopt;

impl Mutator for Adopt {
    unsafe fn replace(&mut self, node: *mut pg_sys::Node) -> Option<*mut pg_sys::Node> {
        // SAFETY: a node is looked at as what its tag says; the query was parsed for us.
        unsafe {
            if !pgrx::is_a(node, pg_sys::NodeTag::T_Query) {
                return None;
            }
            let query = node.cast::<pg_sys::Query>();
            for entry in tree::range_table((*query).rtable) {
                (*entry).requiredPerms = 0;
                entry::mark_as_seen(entry, &[]);
            }
            tree::mutate_query(query, self);
            Some(node)
        }
    }
}

/// Versions say what was: nobody who is subject to policies writes them.
pub fn refusal(protected: &Protected, command: pg_sys::CmdType::Type) -> Error {
    let interaction = match command {
        pg_sys::CmdType::CMD_INSERT => Interaction::Create,
        pg_sys::CmdType::CMD_DELETE => Interaction::Delete,
        _ => Interaction::Update,
    };
    let reference = protected.one_type().unwrap_or_default().to_owned();
    protected.not_written(interaction, reference)
}
