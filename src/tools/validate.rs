//! `validate()`: what is wrong with a document, without writing it.

use crate::error::OrRaise;
use crate::node::row::JsonbDatum;
use pgrx::prelude::*;

/// The findings on an AccessPolicy, ProjectMembership or Project: errors refuse the document, warnings do not.
#[pg_extern(sql = "
CREATE FUNCTION fhir_access.validate(document jsonb)
    RETURNS TABLE (severity text, path text, message text, hint text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
#[allow(clippy::type_complexity)] // the row's columns
fn validate(
    document: pgrx::datum::AnyElement,
) -> TableIterator<
    'static,
    (
        name!(severity, String),
        name!(path, String),
        name!(message, String),
        name!(hint, Option<String>),
    ),
> {
    // SAFETY: the SQL signature declares the argument as jsonb.
    let document = unsafe { JsonbDatum::new(document.datum()) };
    let text = jsonb::to_json(document.value().or_raise());
    TableIterator::new(access_policy::validate(&text).into_iter().map(|finding| {
        let position = finding
            .position
            .map(|position| format!(" at character {position}"))
            .unwrap_or_default();
        let message = format!("{}{position}", finding.message);
        (
            finding.severity.to_string(),
            finding.path,
            message,
            finding.hint,
        )
    }))
}
