//! `writeConstraint`: what validates, what a membership must define, and how constraints reach whoever asks them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use access_policy::{
    AccessError, AccessPolicy, EffectiveAccess, Finding, Interaction, Severity, validate,
    validate_with,
};
use common::Documents;
use fhirpath::Limits;
use serde_json::json;

/// A policy for Observations with these members besides.
fn policy(members: serde_json::Value) -> String {
    let mut entry = json!({ "resourceType": "Observation" });
    entry
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    json!({ "resourceType": "AccessPolicy", "id": "a", "resource": [entry] }).to_string()
}

fn constrained(expressions: &[&str]) -> String {
    let constraints: Vec<_> = expressions
        .iter()
        .map(|text| json!({ "language": "text/fhirpath", "expression": text }))
        .collect();
    policy(json!({ "writeConstraint": constraints }))
}

fn report(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings
        .iter()
        .map(|finding| format!("{} {finding}", finding.severity))
        .collect();
    lines.join("\n")
}

fn resolve(policy: &str, members: serde_json::Value) -> Result<EffectiveAccess, AccessError> {
    let mut membership = json!({ "resourceType": "ProjectMembership", "id": "m" });
    membership
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    Documents::default()
        .with(&[policy])
        .resolve(&membership.to_string())
}

fn with_parameters(parameters: serde_json::Value) -> serde_json::Value {
    json!({ "access": [{ "policy": { "reference": "AccessPolicy/a" }, "parameter": parameters }] })
}

#[test]
fn language_and_expression_are_required() {
    let at = "resource[0].writeConstraint[0]";
    for (constraint, expected) in [
        (
            json!({ "language": "text/fhirpath", "expression": "true", "description": "d" }),
            String::new(),
        ),
        (
            json!({ "expression": "true" }),
            format!("error {at}.language: is required (write \"text/fhirpath\")"),
        ),
        (
            json!({ "language": "text/cql", "expression": "true" }),
            format!(
                "error {at}.language: unknown language \"text/cql\" (only \"text/fhirpath\" is known)"
            ),
        ),
        (
            json!({ "language": "text/fhirpath" }),
            format!("error {at}.expression: is required"),
        ),
        (
            json!({ "language": "text/fhirpath", "expression": "" }),
            format!("error {at}.expression: must not be an empty string"),
        ),
        (
            json!({ "language": "text/fhirpath", "expression": ["true"] }),
            format!("error {at}.expression: must be a string, not an array"),
        ),
        (
            json!("true"),
            format!("error {at}: must be an object, not a string"),
        ),
    ] {
        let policy = policy(json!({ "writeConstraint": [constraint] }));
        assert_eq!(report(&validate(&policy)), expected, "{policy}");
        assert_eq!(AccessPolicy::parse(&policy).is_ok(), expected.is_empty());
    }
}

#[test]
fn a_syntax_error_has_a_position_and_carets() {
    let findings = validate(&constrained(&["true", "name.where(use = 'official'"]));
    assert_eq!(findings.len(), 1);
    let finding = &findings[0];
    assert_eq!(finding.severity, Severity::Error);
    assert_eq!(finding.path, "resource[0].writeConstraint[1].expression");
    assert_eq!(finding.position, Some(28));
    assert_eq!(
        finding.excerpt.as_deref(),
        Some("line 1, column 28:\n  name.where(use = 'official'\n                             ^")
    );
    assert!(
        finding
            .to_string()
            .starts_with("resource[0].writeConstraint[1].expression: unexpected end"),
        "{finding}"
    );
    assert!(finding.to_string().ends_with(" at character 28"));
}

#[test]
fn number_and_size_are_bounded() {
    assert_eq!(validate(&constrained(&["true"; 100])), []);
    assert_eq!(
        report(&validate(&constrained(&["true"; 101]))),
        "error resource[0].writeConstraint: has 101 elements, more than the 100 allowed"
    );

    let long = format!("{} = 1", " ".repeat(60_000));
    let findings = validate(&constrained(&[&long]));
    assert_eq!(
        findings.len(),
        1,
        "the text is no expression, but not too long"
    );
    let padded = format!("true{}", " ".repeat(60_000));
    assert_eq!(validate(&constrained(&[padded.as_str(); 17])), []);
    assert!(
        report(&validate(&constrained(&[padded.as_str(); 18]))).ends_with(
            "resource[0].writeConstraint[17].expression: the expressions of one policy have more than 1048576 bytes"
        )
    );

    let limits = Limits {
        length: 10,
        ..Limits::default()
    };
    let policy = constrained(&["status.exists()"]);
    assert_eq!(validate(&policy), []);
    let finding = validate_with(&policy, &limits).remove(0);
    assert!(finding.message.contains("longer than 10 bytes"));
    assert!(
        finding
            .hint
            .is_some_and(|hint| hint.contains("fhir_access.fhirpath_length"))
    );
    let limits = Limits {
        depth: 1,
        ..Limits::default()
    };
    let finding = validate_with(&constrained(&["((status)).exists()"]), &limits).remove(0);
    assert!(finding.message.contains("nests deeper than 1 level"));
    assert!(
        finding
            .hint
            .is_some_and(|hint| hint.contains("fhir_access.fhirpath_depth"))
    );
    let limits = Limits {
        length: 10,
        ..Limits::default()
    };
    assert!(AccessPolicy::parse_with(&policy, &limits).is_err());
}

#[test]
fn an_entry_that_cannot_write_is_warned_about() {
    let constraint = json!([{ "language": "text/fhirpath", "expression": "true" }]);
    let warning = "warning resource[0].writeConstraint: has no effect, because the entry grants neither create nor update";
    for (members, expected) in [
        (
            json!({ "readonly": true, "writeConstraint": constraint }),
            warning,
        ),
        (
            json!({ "interaction": ["search", "delete"], "writeConstraint": constraint }),
            warning,
        ),
        (
            json!({ "interaction": ["create"], "writeConstraint": constraint }),
            "",
        ),
        (
            json!({ "interaction": ["update"], "writeConstraint": constraint }),
            "",
        ),
        (json!({ "readonly": true, "writeConstraint": [] }), ""),
    ] {
        assert_eq!(
            report(&validate(&policy(members.clone()))),
            expected,
            "{members}"
        );
    }
}

#[test]
fn variables_must_be_defined_by_the_instance() {
    let policy = constrained(&[
        "%before.empty() or %after.status = %resource.status and %ucum.exists()",
        "subject.reference = %patient or performer.reference = %profile or status = %state",
    ]);
    let state = json!({ "name": "state", "valueString": "final" });
    let mut members = with_parameters(json!([state]));
    let error = resolve(&policy, members.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "AccessPolicy/a resource[0].writeConstraint[1].expression uses %patient, which ProjectMembership/m access[0] does not define"
    );
    members["profile"] = json!({ "reference": "Patient/p" });
    assert!(resolve(&policy, members.clone()).is_ok());
    members["access"][0]["parameter"] = json!([]);
    let error = resolve(&policy, members).unwrap_err();
    assert_eq!(
        error.hint().as_deref(),
        Some("add a parameter named \"state\" to access[0] of the membership")
    );
    // accessPolicy has no place for parameters.
    let members = json!({ "accessPolicy": { "reference": "AccessPolicy/a" } });
    let error = resolve(&policy, members).unwrap_err();
    assert_eq!(
        error.hint().as_deref(),
        Some(
            "give the membership a profile, or name the policy in access[] instead of accessPolicy, which takes no \
             parameters, and give it a parameter named \"patient\""
        )
    );
}

#[test]
fn a_parameter_cannot_take_a_name_that_has_a_meaning() {
    for (name, expression) in [
        ("before", "%before.exists()"),
        ("after", "%after.exists()"),
        ("resource", "%resource.exists()"),
        ("context", "%context.exists()"),
        ("rootResource", "%rootResource.exists()"),
        ("ucum", "%ucum.exists()"),
        ("vs-x", "%`vs-x`.exists()"),
        ("ext-x", "%'ext-x'.exists()"),
    ] {
        let members = with_parameters(json!([{ "name": name, "valueString": "mine" }]));
        let error = resolve(&constrained(&["true", expression]), members.clone()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "AccessPolicy/a resource[0].writeConstraint[1].expression uses %{name}, which has a meaning of its own \
                 there, and ProjectMembership/m access[0] defines it otherwise"
            )
        );
        assert_eq!(
            error.hint(),
            Some(format!("give the parameter \"{name}\" another name"))
        );
        // Criteria may use it.
        assert!(resolve(&constrained(&["true"]), members).is_ok());
        let membership = json!({ "resourceType": "ProjectMembership", "access": [
            { "policy": { "reference": "AccessPolicy/a" }, "parameter": [{ "name": name, "valueString": "mine" }] }] });
        assert_eq!(
            report(&validate(&membership.to_string())),
            format!(
                "warning access[0].parameter[0].name: %{name} means something else in write constraints, which cannot be \
                 used with this parameter (give it another name)"
            )
        );
    }
}

#[test]
fn constraints_reach_the_grant_and_the_fingerprint() {
    let plain = policy(json!({ "writeConstraint": [
        { "language": "text/fhirpath", "expression": "%before.status != 'final'", "description": "final \"is\" final" },
        { "language": "text/fhirpath", "expression": "status.exists()" },
    ]}));
    let members = json!({ "accessPolicy": { "reference": "AccessPolicy/a" } });
    let access = resolve(&plain, members.clone()).unwrap();
    let grants = access
        .entries_for("Observation", Interaction::Update)
        .unwrap();
    let constraints = grants[0].entry.constraints();
    assert_eq!(constraints.len(), 2);
    assert_eq!(
        constraints[0].expression().source(),
        "%before.status != 'final'"
    );
    assert_eq!(constraints[0].description(), Some("final \"is\" final"));
    assert_eq!(constraints[0].to_string(), r#""final \"is\" final""#);
    assert!(!constraints[0].reads_new_row());
    assert_eq!(constraints[1].to_string(), r#""status.exists()""#);
    assert!(constraints[1].reads_new_row());

    let fingerprint = |policy: &str| resolve(policy, members.clone()).unwrap().fingerprint();
    let other = plain.replace("!= 'final'", "!= 'FINAL'");
    let reworded = plain.replace("is\\\" final", "is not\\\" final");
    assert_ne!(reworded, plain);
    assert_ne!(fingerprint(&plain), fingerprint(&other));
    assert_eq!(fingerprint(&plain), fingerprint(&reworded));
    assert_ne!(fingerprint(&plain), fingerprint(&policy(json!({}))));
}

#[test]
fn constraints_of_all_policies_together_are_bounded() {
    let big = format!("true{}", " ".repeat(60_000));
    let policies: Vec<String> = (0..5)
        .map(|number| {
            constrained(&[big.as_str(); 15]).replace(r#""id":"a""#, &format!(r#""id":"p{number}""#))
        })
        .collect();
    let texts: Vec<&str> = policies.iter().map(String::as_str).collect();
    let documents = Documents::default().with(&texts);
    let membership = |count: usize| {
        let access: Vec<_> = (0..count)
            .map(|number| json!({ "policy": { "reference": format!("AccessPolicy/p{}", number % 5) } }))
            .collect();
        json!({ "resourceType": "ProjectMembership", "id": "m", "access": access }).to_string()
    };
    assert!(documents.resolve(&membership(4)).is_ok());
    assert!(matches!(
        documents.resolve(&membership(5)),
        Err(AccessError::TooLarge { .. })
    ));
}

#[test]
fn what_can_never_work_is_refused_and_what_is_hardly_meant_is_warned_about() {
    let at = "resource[0].writeConstraint[0].expression";
    for (expression, expected) in [
        (
            "%before.exists() implies %after.id = %before.id",
            String::new(),
        ),
        // A parameter may be a string or a reference.
        (
            "%x.length() > 1 or %x.reference = subject.reference",
            String::new(),
        ),
        ("%profile.reference = subject.reference", String::new()),
        (
            "stauts = 'final'",
            format!(
                "error {at}: Observation has no element `stauts` (did you mean `status`?) at character 1"
            ),
        ),
        (
            "%befor.exists()",
            format!(
                "warning {at}: %befor is a parameter, which each membership has to define (did you mean \"before\"?) \
                 at character 2"
            ),
        ),
        // What criteria and memberships cannot name, nobody can define, other than the expression itself.
        (
            "%`before\\u0000`.exists()",
            format!(
                "error {at}: no parameter can have this name, so that no membership could define it (did you mean \"before\"?) \
                 at character 2"
            ),
        ),
        (
            "%`a name`.exists() or %'1st' = 'x' or %x = 'x'",
            format!(
                "error {at}: no parameter can have this name, so that no membership could define it at character 2\n\
                 error {at}: no parameter can have this name, so that no membership could define it at character 24"
            ),
        ),
        (
            "defineVariable('a name', 1).select(%`a name` = 1)",
            String::new(),
        ),
        (
            "status = 'x' and `a\\u0000\\nb`()",
            format!("error {at}: there is no function a\u{fffd} b() at character 18"),
        ),
    ] {
        let findings = validate(&constrained(&[expression]));
        assert_eq!(report(&findings), expected, "{expression}");
        assert!(findings.iter().all(|finding| finding.excerpt.is_some()));
    }
    let report = report(&validate(&constrained(&["status"])));
    assert!(
        report.starts_with(&format!("error {at}: a condition must be a boolean")),
        "{report}"
    );
    // Of any type, nothing is known.
    let any = constrained(&["stauts = 'final'"]).replace("\"Observation\"", "\"*\"");
    assert_eq!(validate(&any), []);
}
