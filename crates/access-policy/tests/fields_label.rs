//! The label REDACTED: on everything that is shown under a set that marks, and never stored because of that.
#![allow(clippy::unwrap_used)]

use access_policy::fields::{FieldSet, label_as_stored};
use jsonb::{Value, from_json, to_json};

const LABEL: &str = r#"{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "REDACTED", "display": "redacted"}"#;

fn text(json: &str) -> String {
    to_json(Value::parse(&from_json(&json.replace("LABEL", LABEL)).unwrap()).unwrap())
}

fn shown(paths: &str, document: &str) -> String {
    let fields: FieldSet = paths.parse().unwrap();
    let bytes = from_json(&document.replace("LABEL", LABEL)).unwrap();
    let value = Value::parse(&bytes).unwrap();
    let masked = fields.mask(value).unwrap();
    to_json(masked.as_deref().map_or(Ok(value), Value::parse).unwrap())
}

fn stored(new: &str, old: Option<&str>) -> String {
    let parse = |text: &str| from_json(&text.replace("LABEL", LABEL)).unwrap();
    let (new, old) = (parse(new), old.map(parse));
    let value = Value::parse(&new).unwrap();
    let old = old.as_deref().map(|old| Value::parse(old).unwrap());
    let settled = label_as_stored(value, old).unwrap();
    to_json(settled.as_deref().map_or(Ok(value), Value::parse).unwrap())
}

#[test]
fn each_document_is_marked_whether_it_has_a_field_or_not() {
    for (document, expected) in [
        (
            r#"{"a": 1.10}"#,
            r#"{"a": 1.10, "meta": {"security": [LABEL]}}"#,
        ),
        (r#"{"name": 1}"#, r#"{"meta": {"security": [LABEL]}}"#),
        (
            r#"{"meta": {"tag": [1]}}"#,
            r#"{"meta": {"tag": [1], "security": [LABEL]}}"#,
        ),
        (
            r#"{"meta": {"security": [{"code": "R"}]}}"#,
            r#"{"meta": {"security": [{"code": "R"}, LABEL]}}"#,
        ),
        (
            r#"{"meta": {"security": [LABEL, 1]}}"#,
            r#"{"meta": {"security": [LABEL, 1]}}"#,
        ),
        (r#"{"meta": null}"#, r#"{"meta": {"security": [LABEL]}}"#),
        // Nothing that is there goes for it.
        (r#"{"meta": 5}"#, r#"{"meta": 5}"#),
        (
            r#"{"meta": {"security": "x"}}"#,
            r#"{"meta": {"security": "x"}}"#,
        ),
        ("[1]", "[1]"),
    ] {
        assert_eq!(shown("name,!redacted", document), text(expected));
    }
    assert_eq!(
        shown("meta,!redacted", r#"{"meta": {"tag": 1}}"#),
        text(r#"{"meta": {"security": [LABEL]}}"#)
    );
    assert_eq!(shown("name", "{}"), "{}");
    // A set that hides nothing marks nothing.
    assert_eq!(shown("!redacted", "{}"), "{}");
}

#[test]
fn a_marked_set_alters_the_labels() {
    let marked: FieldSet = "name,!redacted".parse().unwrap();
    for path in ["meta", "meta.security", "meta.security.code", "name.family"] {
        assert!(marked.alters(path), "{path}");
    }
    assert!(!marked.alters("meta.tag") && !marked.touches("meta.security"));
    let nothing: FieldSet = "!redacted".parse().unwrap();
    assert!(!nothing.alters("meta") && nothing.is_empty());
    assert_eq!("name".parse::<FieldSet>().unwrap().marked(), marked);
}

#[test]
fn the_label_is_stored_where_it_was() {
    for (new, old, expected) in [
        (
            r#"{"a": 1, "meta": {"security": [LABEL]}}"#,
            r#"{"a": 1}"#,
            r#"{"a": 1}"#,
        ),
        (
            r#"{"meta": {"security": [LABEL, {"code": "R"}, LABEL]}}"#,
            "{}",
            r#"{"meta": {"security": [{"code": "R"}]}}"#,
        ),
        (
            r#"{"meta": {"tag": 1, "security": [LABEL]}}"#,
            r#"{"meta": {"tag": 1}}"#,
            r#"{"meta": {"tag": 1}}"#,
        ),
        (
            r#"{"meta": {"security": [LABEL]}}"#,
            r#"{"meta": {}}"#,
            r#"{"meta": {}}"#,
        ),
        (
            r#"{"meta": {"security": [LABEL]}}"#,
            r#"{"meta": {"security": []}}"#,
            r#"{"meta": {"security": []}}"#,
        ),
        (r#"{"meta": {"security": LABEL}}"#, "{}", "{}"),
        (
            r#"{"meta": {"security": [LABEL]}}"#,
            r#"{"meta": {"security": [LABEL]}}"#,
            r#"{"meta": {"security": [LABEL]}}"#,
        ),
        (
            "{}",
            r#"{"meta": {"security": [1, LABEL]}}"#,
            r#"{"meta": {"security": [LABEL]}}"#,
        ),
        (
            r#"{"meta": 5}"#,
            r#"{"meta": {"security": LABEL}}"#,
            r#"{"meta": {"security": [LABEL]}}"#,
        ),
        (
            r#"{"meta": {"security": [{"code": "REDACTED"}]}}"#,
            "{}",
            r#"{"meta": {"security": [{"code": "REDACTED"}]}}"#,
        ),
        ("5", "{}", "5"),
    ] {
        assert_eq!(stored(new, Some(old)), text(expected), "{new} over {old}");
    }
    assert_eq!(stored(r#"{"meta": {"security": [LABEL]}}"#, None), "{}");
}

#[test]
fn what_was_marked_is_stored_as_it_was() {
    for document in [
        r#"{"a": 1}"#,
        r#"{"meta": {}}"#,
        r#"{"meta": {"security": []}}"#,
        r#"{"meta": {"security": [LABEL]}}"#,
        r#"{"meta": {"security": [{"code": "R"}, LABEL], "tag": 1.10}}"#,
        r#"{"meta": 5}"#,
    ] {
        assert_eq!(
            stored(&shown("name,!redacted", document), Some(document)),
            text(document)
        );
    }
}
