//! Stored fields on update: back where they were, never lost, never changed.
#![allow(clippy::unwrap_used, clippy::panic)]

use access_policy::fields::{FieldError, FieldSet};
use jsonb::{Value, from_json, to_json};

fn text(json: &str) -> String {
    to_json(Value::parse(&from_json(json).unwrap()).unwrap())
}

/// `new` over the stored `old` must become `expected`.
#[track_caller]
fn check(paths: &str, old: &str, new: &str, expected: &str) {
    let fields: FieldSet = paths.parse().unwrap();
    let (old, new) = (from_json(old).unwrap(), from_json(new).unwrap());
    let new_value = Value::parse(&new).unwrap();
    let result = fields
        .try_restore(new_value, Value::parse(&old).unwrap())
        .unwrap();
    if let Some(bytes) = &result {
        assert_ne!(*bytes, new, "None means unchanged");
    }
    let bytes = result.unwrap_or(new);
    assert_eq!(to_json(Value::parse(&bytes).unwrap()), text(expected));
}

#[test]
fn top_level_fields_come_from_the_stored_document() {
    let old = r#"{"a": 1, "birthDate": "1970", "_birthDate": {"id": "b"}, "valueQuantity": {"value": 1.10}}"#;
    let expected = r#"{"a": 2, "birthDate": "1970", "_birthDate": {"id": "b"}, "valueQuantity": {"value": 1.10}}"#;
    check("birthDate,value[x]", old, r#"{"a": 2}"#, expected);
    let forged = r#"{"a": 2, "birthDate": "x", "valueString": "s"}"#;
    check("birthDate,value[x]", old, forged, expected);
    let added = r#"{"a": 3, "gender": "male", "deceasedBoolean": true, "_gender": {}}"#;
    check("gender,deceased[x]", old, added, r#"{"a": 3}"#);
    check("birthDate", old, old, old);
    check("nothing", old, r#"{"a": 1}"#, r#"{"a": 1}"#);
    check("", old, r#"{"a": 1}"#, r#"{"a": 1}"#);
}

#[test]
fn objects_are_matched_member_by_member() {
    let old = r#"{"subject": {"reference": "Patient/1", "display": "Doe"}}"#;
    for (new, expected) in [
        (
            r#"{"subject": {"reference": "Patient/2"}}"#,
            r#"{"subject": {"reference": "Patient/2", "display": "Doe"}}"#,
        ),
        (
            r#"{"subject": {"display": "X"}}"#,
            r#"{"subject": {"display": "Doe"}}"#,
        ),
        (r#"{"a": 1}"#, r#"{"a": 1, "subject": {"display": "Doe"}}"#),
        (r#"{"subject": null}"#, r#"{"subject": {"display": "Doe"}}"#),
        (r#"{"subject": "s"}"#, r#"{"subject": {"display": "Doe"}}"#),
    ] {
        check("subject.display", old, new, expected);
    }
    let old = r#"{"subject": {"reference": 1}}"#;
    check(
        "subject.display",
        old,
        r#"{"subject": {"display": 2, "a": 1}}"#,
        r#"{"subject": {"a": 1}}"#,
    );
    check("subject.display", old, r#"{"a": 1}"#, r#"{"a": 1}"#);
    check(
        "subject.display",
        "{}",
        r#"{"subject": {"display": "X"}}"#,
        r#"{"subject": {}}"#,
    );
    check(
        "a.b.c",
        r#"{"a": {"b": {"c": 1, "d": 2}, "e": 3}}"#,
        r#"{"a": {"e": 4}}"#,
        r#"{"a": {"b": {"c": 1}, "e": 4}}"#,
    );
}

const NAMES: &str =
    r#"{"name": [{"given": ["A"], "family": "F1"}, {"given": ["B"], "family": "F2"}]}"#;

#[test]
fn elements_are_matched_by_what_is_visible_of_them() {
    let untouched = r#"{"name": [{"given": ["A"]}, {"given": ["B"]}]}"#;
    let appended =
        r#"{"name": [{"given": ["A"]}, {"given": ["B"]}, {"given": ["C"], "family": "X"}]}"#;
    let inserted = r#"{"name": [{"given": ["C"]}, {"given": ["A"]}, {"given": ["B"]}]}"#;
    let reordered = r#"{"name": [{"given": ["B"]}, {"given": ["A"]}]}"#;
    // A client that can see the field but not change it: its own value counts for nothing.
    let forged =
        r#"{"name": [{"given": ["B"], "family": "F1"}, {"given": ["A"], "family": "F2"}]}"#;
    let removed = r#"{"name": [{"given": ["B"]}]}"#;
    let swapped =
        r#"{"name": [{"given": ["B"], "family": "F2"}, {"given": ["A"], "family": "F1"}]}"#;
    for (new, expected) in [
        (untouched, NAMES),
        (
            appended,
            r#"{"name": [{"given": ["A"], "family": "F1"}, {"given": ["B"], "family": "F2"}, {"given": ["C"]}]}"#,
        ),
        (
            inserted,
            r#"{"name": [{"given": ["C"]}, {"given": ["A"], "family": "F1"}, {"given": ["B"], "family": "F2"}]}"#,
        ),
        (reordered, swapped),
        (forged, swapped),
        (removed, swapped),
        (r#"{"name": []}"#, NAMES),
        ("{}", NAMES),
    ] {
        check("name.family", NAMES, new, expected);
    }
}

#[test]
fn changed_elements_are_matched_by_index() {
    let one_changed =
        r#"{"name": [{"given": ["Z"], "family": "F1"}, {"given": ["B"], "family": "F2"}]}"#;
    check(
        "name.family",
        NAMES,
        r#"{"name": [{"given": ["Z"]}, {"given": ["B"]}]}"#,
        one_changed,
    );
    check(
        "name.family",
        NAMES,
        r#"{"name": [{"given": ["Z"]}]}"#,
        one_changed,
    );
    // Not an object: not the same element.
    check(
        "name.family",
        NAMES,
        r#"{"name": ["x", {"given": ["B"]}]}"#,
        r#"{"name": ["x", {"given": ["B"], "family": "F2"}, {"given": ["A"], "family": "F1"}]}"#,
    );
    // Elements that carry nothing may go.
    check(
        "name.family",
        r#"{"name": [{"text": "a"}, {"text": "b", "family": "F"}]}"#,
        r#"{"name": [{"text": "b"}]}"#,
        r#"{"name": [{"text": "b", "family": "F"}]}"#,
    );
}

#[test]
fn elements_are_matched_by_id_first() {
    let old = r#"{"name": [{"id": "1", "given": ["A"], "family": "F1"}, {"id": "2", "given": ["B"], "family": "F2"}]}"#;
    check(
        "name.family",
        old,
        r#"{"name": [{"id": "2", "given": ["A"]}, {"id": "1", "given": ["X"]}]}"#,
        r#"{"name": [{"id": "2", "given": ["A"], "family": "F2"}, {"id": "1", "given": ["X"], "family": "F1"}]}"#,
    );
    // Another id is another element, also at the same index.
    check(
        "name.family",
        old,
        r#"{"name": [{"id": "3", "given": ["A"]}, {"id": "2"}]}"#,
        r#"{"name": [{"id": "3", "given": ["A"]}, {"id": "2", "family": "F2"}, {"id": "1", "given": ["A"], "family": "F1"}]}"#,
    );
    // A protected id says nothing.
    check(
        "name.id",
        old,
        r#"{"name": [{"id": "2", "given": ["A"], "family": "F1"}]}"#,
        r#"{"name": [{"id": "1", "given": ["A"], "family": "F1"}, {"id": "2", "given": ["B"], "family": "F2"}]}"#,
    );
}

#[test]
fn nested_arrays_and_changes_of_shape_lose_nothing() {
    for (old, new, expected) in [
        (
            r#"{"a": [[{"f": 1, "x": 1}], [{"f": 2, "x": 2}]]}"#,
            r#"{"a": [[{"x": 2}], [{"x": 1}]]}"#,
            r#"{"a": [[{"x": 2, "f": 2}], [{"x": 1, "f": 1}]]}"#,
        ),
        (
            r#"{"a": {"f": 1, "x": 1}}"#,
            r#"{"a": [{"x": 1}, {"x": 2}]}"#,
            r#"{"a": [{"x": 1, "f": 1}, {"x": 2}]}"#,
        ),
        (
            r#"{"a": [{"f": 1, "x": 1}, {"f": 2, "x": 2}]}"#,
            r#"{"a": {"x": 2}}"#,
            r#"{"a": [{"x": 2, "f": 2}, {"f": 1, "x": 1}]}"#,
        ),
        (
            r#"{"a": [{"f": 1}]}"#,
            r#"{"a": 5}"#,
            r#"{"a": [{"f": 1}]}"#,
        ),
        (r#"{"a": [{"x": 1}]}"#, r#"{"a": 5}"#, r#"{"a": 5}"#),
        (r#"{"a": [{"x": 1}, null]}"#, "{}", "{}"),
        (r#"{"a": {"x": 1}}"#, r#"{"a": null}"#, r#"{"a": null}"#),
        (
            r#"{"a": {"f": 1}}"#,
            r#"{"a": {"f": 1}}"#,
            r#"{"a": {"f": 1}}"#,
        ),
    ] {
        check("a.f", old, new, expected);
    }
    check(
        "c.n.f",
        r#"{"c": [{"n": [{"f": 1, "g": 1}, {"g": 2}], "x": 1}]}"#,
        r#"{"c": [{"x": 1}]}"#,
        r#"{"c": [{"n": [{"f": 1, "g": 1}], "x": 1}]}"#,
    );
}

#[test]
fn the_places_of_a_sibling_array_stay() {
    let old = r#"{"given": ["a", "b"], "_given": [null, {"id": "x"}]}"#;
    for new in [
        r#"{"given": ["a", "b"]}"#,
        r#"{"given": ["a", "b"], "_given": [null, null]}"#,
        r#"{"given": ["a", "b"], "_given": [null, {}]}"#,
    ] {
        check("given.id", old, new, old);
    }
}

#[test]
fn what_cannot_be_walked_is_refused() {
    let fields: FieldSet = "a.b".parse().unwrap();
    let deep = from_json(&format!(
        "{{\"a\":{}{}}}",
        "[".repeat(5000),
        "]".repeat(5000)
    ))
    .unwrap();
    let deep = Value::parse(&deep).unwrap();
    let old = from_json(r#"{"a": {"b": 1}}"#).unwrap();
    let value = Value::parse(&old).unwrap();
    assert_eq!(fields.try_restore(deep, value), Err(FieldError::TooDeep));
    assert_eq!(fields.try_restore(value, deep), Err(FieldError::TooDeep));
    assert_eq!(fields.restore(deep, value), Some(old.clone()));
}
