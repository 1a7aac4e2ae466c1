//! `validate()`: what is wrong with a document, without writing it.

use crate::error::OrRaise;
use crate::node::row::JsonbDatum;
use crate::settings;
use pgrx::prelude::*;

/// The findings on an AccessPolicy, ProjectMembership or Project: errors refuse the document, warnings do not. Where an expression is wrong is drawn
/// below the message.
#[pg_extern(sql = "
CREATE FUNCTION fhir_access.validate(document jsonb)
    RETURNS TABLE (severity text, path text, message text, hint text)
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
#[allow(clippy::type_complexity)] // the row's columns
pub fn validate(
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
    let findings = access_policy::validate_with(&text, &settings::fhirpath_limits());
    TableIterator::new(findings.into_iter().map(|finding| {
        let message = match (finding.excerpt, finding.position) {
            (Some(excerpt), _) => format!("{} at {excerpt}", finding.message),
            (None, Some(position)) => format!("{} at character {position}", finding.message),
            (None, None) => finding.message,
        };
        (
            finding.severity.to_string(),
            finding.path,
            message,
            finding.hint,
        )
    }))
}
