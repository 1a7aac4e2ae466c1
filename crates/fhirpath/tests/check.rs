//! What the static checks say of expressions: the tables beside this file, and what holds for all issues.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;

use fhir_model::TypeId;
use fhirpath::{CheckContext, Issue, Severity, Span, VariableType, check, parse};

fn issues(resource_type: &str, expression: &str, condition: bool) -> Vec<Issue> {
    let observation = TypeId::named("Observation");
    let variables = [
        ("before", VariableType::Document(observation)),
        ("after", VariableType::Document(observation)),
        ("any", VariableType::Document(None)),
        ("profile", VariableType::Reference),
        ("site", VariableType::Text),
    ];
    let ast = parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    let context = CheckContext {
        resource_type: TypeId::named(resource_type),
        variables: &variables,
        condition,
    };
    check(expression, &ast, &context)
}

/// A table as it should be: each expression with what is said of it.
fn table(text: &str, condition: bool) -> String {
    let mut out = String::new();
    for line in text.lines().filter(|line| !line.starts_with("  ")) {
        writeln!(out, "{line}").unwrap();
        let Some((resource_type, expression)) = line.split_once(" | ") else {
            continue;
        };
        for issue in issues(resource_type, expression, condition) {
            let severity = match issue.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            let marked = &expression[issue.span.range()];
            writeln!(out, "  {severity} at {marked}: {issue}").unwrap();
            if let Some(hint) = issue.hint {
                writeln!(out, "    {hint}").unwrap();
            }
        }
    }
    out
}

#[track_caller]
fn same(expected: &str, condition: bool) {
    let found = table(expected, condition);
    for (expected, found) in expected.lines().zip(found.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}

#[test]
fn names() {
    same(include_str!("check/names.txt"), false);
}

#[test]
fn values() {
    same(include_str!("check/values.txt"), false);
}

#[test]
fn conditions() {
    same(include_str!("check/conditions.txt"), true);
}

#[test]
fn sensible() {
    same(include_str!("check/sensible.txt"), true);
}

/// A condition's value matters only where a condition is wanted.
#[test]
fn values_that_are_no_conditions() {
    assert_eq!(issues("Patient", "name.given", false), []);
    assert_eq!(issues("Patient", "{}", false), []);
}

#[test]
fn places() {
    let [issue] = issues("Patient", "active and\n name.famly.exists()", true)
        .try_into()
        .unwrap();
    assert_eq!(issue.span, Span::new(17, 22));
    assert_eq!(issue.to_string(), "HumanName has no element `famly`");
    assert_eq!(
        issue.excerpt("active and\n name.famly.exists()"),
        "line 2, column 7:\n   name.famly.exists()\n        ^^^^^"
    );
}

/// Quotations are short, on one line, and hold nothing that disturbs a terminal.
#[test]
fn quotations() {
    let long = "x".repeat(10_000);
    for expression in [
        format!("`{long}`"),
        format!("{long}()"),
        format!("%{long}"),
        format!("name is {long}"),
        format!("name is `{long}`.{long}"),
        format!("name is {long}.a"),
        format!("name['{long}']"),
        format!("-'{long}'"),
        format!("gender = ('{long}' | '{long}')"),
        format!("name.where(family\n='{long}').given = '{long}'"),
        "`a\\r\\n\\u202eb`".to_owned(),
        "'\\u0000' is `a\\u0007b`".to_owned(),
        "gender.matches('(\\u0007')".to_owned(),
    ] {
        let found = issues("Patient", &expression, true);
        assert!(!found.is_empty(), "{}", &expression[..20]);
        for issue in found {
            let texts = [Some(issue.message), issue.hint];
            for text in texts.into_iter().flatten() {
                assert!(text.chars().count() < 250, "{text}");
                assert!(
                    !text.contains(|c: char| c.is_control() || c == '\u{202e}'),
                    "{text:?}"
                );
            }
        }
    }
}
