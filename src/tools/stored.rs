//! A stored row, found by its id past row security, and the entry that grants it.

use super::narrowed::Narrowed;
use crate::error::{Error, Result};
use crate::node::expr::ROW;
use crate::node::privilege::{self, AsOwner};
use crate::node::relation;
use crate::node::row::{self, JsonbDatum};
use crate::predicate::{Style, Writer, identifier};
use crate::registry::Protected;
use crate::session::reach::{ReachEntry, shown_without};
use access_policy::fields::FieldSet;
use fhir_search::Predicate;
use pgrx::prelude::*;
use std::rc::Rc;

/// What there is to know of a stored row.
pub struct Stored {
    /// The first of the entries asked about that grants it, as its index.
    pub place: Option<usize>,
    /// Its document, in jsonb's binary form.
    pub document: Option<Vec<u8>>,
}

impl Stored {
    /// The row of this type with this id, if there is one; whoever calls decides what the user may know of it.
    pub fn find(
        protected: &Protected,
        resource_type: &str,
        id: &str,
        entries: &[Rc<ReachEntry>],
        scope: &Predicate,
    ) -> Result<Option<Stored>> {
        let condition = Stored::condition(protected, resource_type, id);
        Stored::first(
            protected,
            &condition,
            entries,
            scope,
            &Narrowed::by_nothing(),
        )
    }

    /// The same, if the table's own restrictive policies let the current user see it.
    pub fn find_shown(
        protected: &Protected,
        resource_type: &str,
        id: &str,
        entries: &[Rc<ReachEntry>],
        scope: &Predicate,
    ) -> Result<Option<Stored>> {
        let condition = Stored::condition(protected, resource_type, id);
        let narrowed = Narrowed::of(protected.relation);
        Stored::first(protected, &condition, entries, scope, &narrowed)
    }

    /// The row that is this version of the resource with this id, likewise: to who is subject to policies, if the table's own
    /// let it be seen.
    pub fn find_version(
        protected: &Protected,
        resource_type: &str,
        id: &str,
        version: &str,
        entries: &[Rc<ReachEntry>],
        scope: &Predicate,
    ) -> Result<Option<Stored>> {
        let writer = Writer::new(protected, Style::Exact);
        let id = Stored::condition(protected, resource_type, id);
        let condition = format!("{id} AND {}", writer.version(version));
        let narrowed = match privilege::is_subject(protected.relation) {
            true => Narrowed::of(protected.relation),
            false => Narrowed::by_nothing(),
        };
        Stored::first(protected, &condition, entries, scope, &narrowed)
    }

    /// The rows that are the resource of this type with this id.
    fn condition(protected: &Protected, resource_type: &str, id: &str) -> String {
        let wanted = Predicate::all([
            Predicate::Id(vec![id.to_owned()]),
            protected.of_type(resource_type),
        ]);
        Writer::new(protected, Style::Exact).predicate(&wanted)
    }

    fn first(
        protected: &Protected,
        condition: &str,
        entries: &[Rc<ReachEntry>],
        scope: &Predicate,
        narrowed: &Narrowed,
    ) -> Result<Option<Stored>> {
        let writer = Writer::new(protected, Style::Exact);
        let whole = match narrowed.is_nothing() {
            true => "NULL",
            false => ROW,
        };
        let query = format!(
            "SELECT {}, {}, {whole} FROM {} AS {ROW} WHERE {condition} ORDER BY {ROW}.{} LIMIT 1",
            writer.deciding_entry(entries, scope),
            writer.resource(),
            relation::qualified_name(protected.relation),
            identifier(&protected.id.name),
        );
        let owner = AsOwner::of_table(protected.relation)?;
        let internal = |error: pgrx::spi::SpiError| Error::Internal(error.to_string());
        Spi::connect(|client| {
            let rows = client.select(&query, Some(1), &[]).map_err(internal)?;
            // What the table's own policies say is asked as whoever calls.
            drop(owner);
            if rows.is_empty() {
                return Ok(None);
            }
            let row = rows.first();
            let place: Option<i32> = row.get(1).map_err(internal)?;
            let document = row
                .get::<pgrx::datum::AnyElement>(2)
                .map_err(internal)?
                // SAFETY: what the writer calls the row's document is jsonb.
                .map(|datum| unsafe { JsonbDatum::new(datum.datum()) }.bytes().to_vec());
            if !narrowed.is_nothing() {
                let whole = row.get::<pgrx::datum::AnyElement>(3).map_err(internal)?;
                let shown = match whole {
                    Some(whole) => narrowed.permits(whole.datum())?,
                    None => false,
                };
                if !shown {
                    return Ok(None);
                }
            }
            Ok(Some(Stored {
                place: place.and_then(|place| usize::try_from(place).ok()),
                document,
            }))
        })
    }
}

/// A stored document without what is hidden of it.
pub fn masked(document: Vec<u8>, hidden: &FieldSet) -> Result<Vec<u8>> {
    let cannot = |_| Error::Corrupted("a stored resource cannot be masked".to_owned());
    let hidden = shown_without(hidden.clone());
    let masked = hidden.mask(row::parse(&document)?).map_err(cannot)?;
    Ok(masked.unwrap_or(document))
}
