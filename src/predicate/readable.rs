//! May the session's membership read a resource? The predicate of `read`, asked of one row by its id, past row security.

use super::{Style, Writer, may_be_id};
use crate::error::Result;
use crate::node::expr::ROW;
use crate::node::kept_query::KeptQuery;
use crate::node::privilege::AsOwner;
use crate::node::relation;
use crate::registry::{self, Protected};
use crate::session::{Fingerprint, Session};
use access_policy::Interaction;
use fhir_search::Predicate;
use pgrx::prelude::*;
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::rc::Rc;

/// So many queries are kept: one for each session context and table.
const KEPT: usize = 64;

/// A query, and what it was made for.
struct Kept {
    session: Fingerprint,
    protected: Rc<Protected>,
    resource_type: &'static str,
    query: Rc<KeptQuery>,
}

thread_local! {
    // Not dropped with the process, which has no query interface any more when it ends.
    static QUERIES: RefCell<ManuallyDrop<Vec<Kept>>> = const { RefCell::new(ManuallyDrop::new(Vec::new())) };
}

/// Is there a resource of this type and id in a protected table, and may `session` read it?
pub fn is_readable(session: &Session, resource_type: &str, id: &str) -> Result<bool> {
    let Some(resource_type) = fhir_search::model::resource_type(resource_type) else {
        return Ok(false);
    };
    let reach = session.reach(resource_type, Interaction::Read)?;
    if reach.entries.is_empty() {
        return Ok(false);
    }
    for relation in registry::relations_of(resource_type)? {
        let Some(protected) = registry::protected(relation)? else {
            continue;
        };
        if may_be_id(protected.id.type_oid, id) {
            let _owner = AsOwner::of_table(relation)?;
            if query(session, &protected, resource_type)?.is_true(id)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn query(
    session: &Session,
    protected: &Rc<Protected>,
    resource_type: &'static str,
) -> Result<Rc<KeptQuery>> {
    let known = QUERIES.with_borrow(|queries| {
        let known = queries.iter().find(|kept| {
            kept.session == session.fingerprint
                && kept.resource_type == resource_type
                && Rc::ptr_eq(&kept.protected, protected)
        });
        known.map(|kept| Rc::clone(&kept.query))
    });
    if let Some(query) = known {
        return Ok(query);
    }
    let query = Rc::new(KeptQuery::prepare(&text(
        session,
        protected,
        resource_type,
    )?)?);
    // What is let go is dropped when nobody looks at the list.
    let let_go: Vec<Kept> = QUERIES.with_borrow_mut(|queries| {
        let excess = if queries.len() < KEPT { 0 } else { KEPT / 2 };
        let let_go = queries.drain(..excess).collect();
        queries.push(Kept {
            session: session.fingerprint,
            protected: Rc::clone(protected),
            resource_type,
            query: Rc::clone(&query),
        });
        let_go
    });
    drop(let_go);
    Ok(query)
}

/// True where each row of the type with the id may be read, NULL where there is none.
fn text(session: &Session, protected: &Protected, resource_type: &str) -> Result<String> {
    let reach = session.reach(resource_type, Interaction::Read)?;
    let writer = Writer::new(protected, Style::Exact);
    let column = writer.column(&protected.id.name);
    let same = match protected.id.type_oid {
        pg_sys::UUIDOID => format!("{column} OPERATOR(pg_catalog.=) ($1)::pg_catalog.uuid"),
        pg_sys::INT4OID | pg_sys::INT8OID => {
            format!("{column} OPERATOR(pg_catalog.=) ($1)::pg_catalog.int8")
        }
        pg_sys::TEXTOID => format!("{column} OPERATOR(pg_catalog.=) $1"),
        _ => format!("({column})::pg_catalog.text OPERATOR(pg_catalog.=) $1"),
    };
    let of_type = protected.of_type(resource_type);
    // The row's type also says how its references are found.
    let granted = Predicate::all([of_type.clone(), reach.predicate()]);
    Ok(format!(
        "SELECT pg_catalog.bool_and(({}) IS TRUE) FROM {} AS {ROW} WHERE {same} AND {}",
        writer.granted(&granted),
        relation::qualified_name(protected.relation),
        writer.predicate(&of_type),
    ))
}
