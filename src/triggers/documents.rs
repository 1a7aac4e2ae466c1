//! The documents' tables: each row validated when written, each change told to every session.

use super::{Operation, operation, require_before_row, trigger_data};
use crate::catalog::catalog;
use crate::error::{Error, OrRaise, Result};
use crate::functions::version_1;
use crate::node::row::{self, JsonbDatum};
use crate::node::{privilege, relation};
use crate::settings;
use jsonb::{Node, Value};
use pgrx::direct_function_call;
use pgrx::prelude::*;
use std::borrow::Cow;

version_1!(pg_finfo_fhir_access_validate_document);

/// `BEFORE INSERT OR UPDATE`: fills in a missing id, refuses what does not validate, warns of what looks wrong.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_validate_document(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls this as a row trigger of one of the three tables, or trigger_data refuses.
    unsafe {
        let data = trigger_data(fcinfo).or_raise();
        require_before_row(data).or_raise();
        let expected = document_type((*data.tg_relation).rd_id).or_raise();
        let tuple = match operation(data) {
            Operation::Update => data.tg_newtuple,
            _ => data.tg_trigtuple,
        };
        let descriptor = (*data.tg_relation).rd_att;
        let columns = row::deform(tuple, descriptor);
        let Some(resource) = columns.get(1).copied().flatten() else {
            // The column's NOT NULL constraint says so better.
            return pg_sys::Datum::from(tuple);
        };
        // A document that is replaced by one without an id keeps its own.
        let stored = match operation(data) {
            Operation::Update => row::deform(data.tg_trigtuple, descriptor)
                .first()
                .copied()
                .flatten(),
            _ => None,
        };
        let stored = stored.and_then(|id| String::from_datum(id, false));
        let table = (*data.tg_relation).rd_id;
        let checked = checked(&JsonbDatum::new(resource), expected, stored)
            .map_err(|error| error.about_column(table, "resource"));
        match checked.or_raise() {
            None => pg_sys::Datum::from(tuple),
            Some(with_id) => {
                let changed =
                    row::replace(tuple, descriptor, &[(2, Some(row::jsonb_datum(&with_id)))]);
                pg_sys::Datum::from(changed)
            }
        }
    }
}

/// The type of the documents that a table of ours holds.
fn document_type(table: pg_sys::Oid) -> Result<&'static str> {
    let known = catalog().and_then(|catalog| catalog.document_type(table));
    known.ok_or_else(|| Error::Argument {
        message: "this trigger function works only on the documents' tables of fhir_access"
            .to_owned(),
        hint: "CREATE EXTENSION makes its triggers as they must be.".to_owned(),
    })
}

/// The document with an id, where it came without; an error where it does not validate.
fn checked(
    resource: &JsonbDatum,
    expected: &str,
    stored: Option<String>,
) -> Result<Option<Vec<u8>>> {
    let value = resource.value()?;
    let Value::Object(object) = value else {
        return Err(wrong(
            expected,
            format!("expected a JSON object with \"resourceType\": \"{expected}\""),
        ));
    };
    if !matches!(object.get("resourceType"), Some(Value::String(name)) if name == expected) {
        return Err(wrong(
            expected,
            format!("resourceType: this table holds {expected} documents only"),
        ));
    }
    let with_id = match object.get("id") {
        Some(_) => None,
        None => {
            let mut members: Vec<(Cow<'_, str>, Node<'_>)> = object
                .iter()
                .map(|(name, member)| (Cow::Borrowed(name), Node::Value(member)))
                .collect();
            let id = match stored {
                Some(id) => id,
                None => new_uuid()?,
            };
            members.push((Cow::Borrowed("id"), Node::String(Cow::Owned(id))));
            Some(
                jsonb::encode(&Node::Object(members))
                    .map_err(|_| wrong(expected, "the document is too large".to_owned()))?,
            )
        }
    };
    let text = match &with_id {
        Some(bytes) => Value::parse(bytes).map(jsonb::to_json).unwrap_or_default(),
        None => jsonb::to_json(value),
    };
    let findings = access_policy::validate_with(&text, &settings::fhirpath_limits());
    if let Some(error) = Error::from_findings(expected, &findings) {
        return Err(error);
    }
    const SHOWN: usize = 10;
    for finding in findings.iter().take(SHOWN) {
        warn(&format!("{expected}: {finding}"));
    }
    if let Some(others @ 1..) = findings.len().checked_sub(SHOWN) {
        warn(&format!(
            "{expected}: {others} more findings; fhir_access.validate() lists them"
        ));
    }
    Ok(with_id)
}

fn warn(message: &str) {
    pg_sys::panic::ErrorReport::new(
        PgSqlErrorCode::ERRCODE_WARNING,
        message.to_owned(),
        "fhir_access",
    )
    .report(PgLogLevel::WARNING);
}

fn wrong(document: &str, first: String) -> Error {
    Error::InvalidDocument {
        document: document.to_owned(),
        first,
        details: Vec::new(),
    }
}

fn new_uuid() -> Result<String> {
    // SAFETY: gen_random_uuid takes no arguments and returns a uuid.
    let uuid: Option<pgrx::Uuid> = unsafe { direct_function_call(pg_sys::gen_random_uuid, &[]) };
    uuid.map(|uuid| uuid.to_string())
        .ok_or_else(|| Error::Internal("no random id could be made".to_owned()))
}

version_1!(pg_finfo_fhir_access_documents_changed);

/// `AFTER …` each statement: every session reads the documents, or the registry, again.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_documents_changed(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls this as a trigger, or trigger_data refuses; the message goes out when this transaction
    // commits, and comes back to this session at the end of the command and on rollback.
    unsafe {
        let data = trigger_data(fcinfo).or_raise();
        pg_sys::CacheInvalidateRelcacheByRelid((*data.tg_relation).rd_id);
        pg_sys::Datum::null()
    }
}

version_1!(pg_finfo_fhir_access_enforce_registry);

/// `BEFORE …` each statement on the registry: what it says opens tables and closes them, so that a privilege to write to it
/// (`pg_write_all_data`, a GRANT on all tables of the schema) is not enough.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_enforce_registry(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls this as a trigger, or trigger_data refuses; the relation is open.
    unsafe {
        let data = trigger_data(fcinfo).or_raise();
        let registry = (*data.tg_relation).rd_id;
        if !privilege::owns(registry) {
            Error::NotOwner(relation::qualified_name(registry))
                .about(registry)
                .raise();
        }
        pg_sys::Datum::null()
    }
}
