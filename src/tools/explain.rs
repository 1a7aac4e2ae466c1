//! `explain()`: what the session's policies mean for a type, entry by entry.

use super::vread::condition_of_current;
use crate::error::{Error, OrRaise, Result};
use crate::predicate::{Style, Writer};
use crate::registry::{self, Protected};
use crate::session;
use access_policy::Interaction;
use pgrx::prelude::*;
use std::rc::Rc;

/// The interaction of that name.
pub fn interaction(name: &str) -> Result<Interaction> {
    name.parse().map_err(|_| Error::Argument {
        message: format!("unknown interaction \"{name}\""),
        hint: "Write one of read, vread, search, history, create, update, delete.".to_owned(),
    })
}

/// The resource type of that name.
pub fn resource_type(resource_type: &str) -> Result<&'static str> {
    fhir_search::model::resource_type(resource_type).ok_or_else(|| {
        let hint = fhir_search::model::similar_resource_type(resource_type)
            .map(|similar| format!("Did you mean \"{similar}\"?"))
            .unwrap_or_else(|| {
                "Resource types are written as in FHIR: Patient, Observation, ….".to_owned()
            });
        Error::Argument {
            message: format!("unknown resource type \"{resource_type}\""),
            hint,
        }
    })
}

/// The protected relations that hold a type.
pub fn relations_of(resource_type: &str) -> Result<Vec<Rc<Protected>>> {
    let mut relations = Vec::new();
    for relation in registry::relations_of(resource_type)? {
        relations.extend(registry::protected(relation)?);
    }
    Ok(relations)
}

/// The entries that can grant an interaction on a type, in the order in which they decide. `place` counts from 1; `entry`
/// is the index in that policy's `resource[]`; `predicate` is the SQL condition that the rows are found by, of versions with what it
/// takes of the current row,
/// `constraints` are what a row must meet to be written.
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity)] // the row's columns
fn explain(
    resource_type: &str,
    interaction: default!(&str, "'search'"),
) -> TableIterator<
    'static,
    (
        name!(place, i32),
        name!(policy, String),
        name!(entry, Option<i32>),
        name!(criteria, Option<String>),
        name!(predicate, String),
        name!(hidden_fields, Vec<String>),
        name!(readonly_fields, Vec<String>),
        name!(parameters, pgrx::JsonB),
        name!(constraints, Vec<String>),
    ),
> {
    let interaction = self::interaction(interaction).or_raise();
    let resource_type = self::resource_type(resource_type).or_raise();
    let relations = relations_of(resource_type).or_raise();
    let of_versions = matches!(interaction, Interaction::History | Interaction::Vread);
    let mut relation = relations.into_iter().next();
    if let Some(current) = relation.as_ref().filter(|_| of_versions) {
        let histories = registry::histories_of(current.relation).or_raise();
        relation = histories.into_iter().next().or(relation);
    }
    let protected = relation.unwrap_or_else(|| Rc::new(Protected::imagined(resource_type)));
    let session = session::current().or_raise();
    let reach = session.reach(resource_type, interaction).or_raise();
    let writer = Writer::new(&protected, Style::Readable);
    let current = condition_of_current(&protected, &reach).or_raise();
    let rows: Vec<_> = (1_i32..)
        .zip(&reach.entries)
        .map(|(place, entry)| {
            let predicate = fhir_search::Predicate::all([
                protected.of_type(resource_type),
                reach.scope.clone(),
                entry.predicate.clone(),
            ]);
            let parameters: serde_json::Map<String, serde_json::Value> = entry
                .parameters
                .iter()
                .map(|(name, value)| (name.to_owned(), value.as_str().into()))
                .collect();
            let constraints = entry.constraints.iter();
            let constraints = constraints
                .map(|constraint| constraint.expression().source().to_owned())
                .collect();
            (
                place,
                entry.policy.clone(),
                entry.index,
                entry.criteria.clone(),
                match (writer.granted(&predicate), &current) {
                    (predicate, None) => predicate,
                    (predicate, Some(current)) if predicate == "true" => current.clone(),
                    (predicate, Some(current)) => format!("{predicate} AND {current}"),
                },
                entry.hidden.paths(),
                entry.readonly.paths(),
                pgrx::JsonB(serde_json::Value::Object(parameters)),
                constraints,
            )
        })
        .collect();
    TableIterator::new(rows)
}
