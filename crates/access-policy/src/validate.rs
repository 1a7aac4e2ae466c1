//! The whole of validation: text to findings, for any of the three documents.

use fhirpath::Limits;
use serde_json::{Map, Value};

use crate::finding::{Finding, Findings, Path, did_you_mean, quote};
use crate::json;
use crate::membership::ProjectMembership;
use crate::policy::AccessPolicy;
use crate::project::Project;
use crate::shape;

const DOCUMENTS: [&str; 3] = ["AccessPolicy", "ProjectMembership", "Project"];

/// Checks an AccessPolicy, ProjectMembership or Project, chosen by its `resourceType`, and gives every finding, warnings
/// included, in document order. JSON syntax errors name line and column. An empty answer means a flawless document.
pub fn validate(json: &str) -> Vec<Finding> {
    validate_with(json, &Limits::default())
}

/// As [`validate`], with other limits on each FHIRPath expression.
pub fn validate_with(json: &str, limits: &Limits) -> Vec<Finding> {
    let mut findings = Findings::default();
    if let Some(document) = object(json, &mut findings) {
        by_type(&document, limits, &mut findings);
    }
    findings.finish()
}

fn by_type(document: &Map<String, Value>, limits: &Limits, findings: &mut Findings) {
    let root = Path::Root;
    let at = Path::Field(&root, "resourceType");
    let hint = || Some(format!("must be one of: {}", DOCUMENTS.join(", ")));
    match document.get("resourceType") {
        None => findings.error_hint(&at, "is required", hint()),
        Some(Value::String(text)) => match text.as_str() {
            "AccessPolicy" => {
                AccessPolicy::read(document, limits, findings);
            }
            "ProjectMembership" => {
                ProjectMembership::read(document, findings);
            }
            "Project" => {
                Project::read(document, findings);
            }
            other => findings.error_hint(
                &at,
                format!("{} is no access control document", quote(other)),
                did_you_mean(other, DOCUMENTS).or_else(hint),
            ),
        },
        Some(other) => findings.error(
            &at,
            format!("must be a string, not {}", shape::found(other)),
        ),
    }
}

/// Reads one document of a known type; the findings when any of them is an error.
pub(crate) fn typed<T>(
    json: &str,
    read: impl FnOnce(&Map<String, Value>, &mut Findings) -> T,
) -> Result<T, Vec<Finding>> {
    let mut findings = Findings::default();
    let document = object(json, &mut findings).map(|document| read(&document, &mut findings));
    match document {
        Some(document) if !findings.has_errors() => Ok(document),
        _ => Err(findings.finish()),
    }
}

fn object(json: &str, findings: &mut Findings) -> Option<Map<String, Value>> {
    match json::parse(json, findings)? {
        Value::Object(document) => Some(document),
        other => {
            findings.error(
                &Path::Root,
                format!("must be an object, not {}", shape::found(&other)),
            );
            None
        }
    }
}
