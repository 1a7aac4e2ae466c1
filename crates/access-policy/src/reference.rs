//! FHIR ids and relative references (`Type/id`), as documents name each other.

use fhir_search::model;
use serde_json::{Map, Value};

use crate::finding::{Findings, Path};
use crate::shape;

/// Whether the text is a FHIR id: 1 to 64 of `A-Z a-z 0-9 - .`
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

/// Splits `Type/id` with a known resource type; versions, absolute URLs and fragments are none.
pub(crate) fn literal(text: &str) -> Option<(&str, &str)> {
    text.split_once('/')
        .filter(|(resource_type, id)| is_id(id) && model::is_resource_type(resource_type))
}

/// `did you mean "Patient"?` for a misspelt resource type.
pub(crate) fn similar_type(name: &str) -> Option<String> {
    model::similar_resource_type(name).map(|name| format!("did you mean \"{name}\"?"))
}

/// The `reference` of the Reference at `path`, which must be there.
pub(crate) fn required_text<'v>(
    reference: &'v Map<String, Value>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Option<&'v str> {
    if !reference.contains_key("reference") {
        findings.error_hint(
            &Path::Field(path, "reference"),
            "is required",
            Some("logical references by identifier are not resolved".to_owned()),
        );
    }
    shape::text(reference, "reference")
}

/// The id in the property `name`, a Reference that must look like `<target>/id`.
pub(crate) fn id_of(
    owner: &Map<String, Value>,
    name: &str,
    target: &str,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Option<String> {
    let at = Path::Field(path, name);
    let text = required_text(shape::object(owner, name)?, &at, findings)?;
    match literal(text) {
        Some((resource_type, id)) if resource_type == target => Some(id.to_owned()),
        _ => {
            findings.error(
                &Path::Field(&at, "reference"),
                format!("must look like {target}/id"),
            );
            None
        }
    }
}

/// The `Type/id` in the property `name`, a Reference to any type.
pub(crate) fn any_of(
    owner: &Map<String, Value>,
    name: &str,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Option<String> {
    let at = Path::Field(path, name);
    let text = required_text(shape::object(owner, name)?, &at, findings)?;
    if literal(text).is_none() {
        findings.error(
            &Path::Field(&at, "reference"),
            "must look like Type/id, with a known resource type",
        );
        return None;
    }
    Some(text.to_owned())
}

/// Checks and takes the document's own `resourceType` and `id`.
pub(crate) fn own_id(
    document: &Map<String, Value>,
    expected: &str,
    findings: &mut Findings,
) -> Option<String> {
    let root = Path::Root;
    match document.get("resourceType") {
        None => findings.error(&Path::Field(&root, "resourceType"), "is required"),
        Some(Value::String(text)) if text != expected && !text.is_empty() => {
            findings.error(
                &Path::Field(&root, "resourceType"),
                format!("must be \"{expected}\""),
            );
        }
        // Other misshapen values are reported by the shape.
        Some(_) => {}
    }
    let id = shape::text(document, "id")?;
    if !is_id(id) {
        findings.error(
            &Path::Field(&root, "id"),
            "must be 1 to 64 letters, digits, hyphens and dots",
        );
        return None;
    }
    Some(id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relative_references_to_known_types_are_taken() {
        assert_eq!(literal("Patient/a-1.b"), Some(("Patient", "a-1.b")));
        for text in [
            "",
            "Patient",
            "Patient/",
            "/1",
            "Patient/1/_history/2",
            "http://x/Patient/1",
            "#p1",
            "patient/1",
            "Pateint/1",
            "Patient/a_b",
            "Patient/ä",
            "Patient/%x",
        ] {
            assert_eq!(literal(text), None, "{text}");
        }
        assert!(!is_id(&"x".repeat(65)));
    }
}
