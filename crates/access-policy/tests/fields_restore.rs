//! Stored fields on update: back where they were, never lost, never changed.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/restored.rs"]
mod restored;

use access_policy::fields::{FieldError, FieldSet};
use jsonb::{Value, from_json};
use restored::check;

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
fn primitives_keep_their_siblings() {
    let old =
        r#"{"given": ["a", "b", "c"], "_given": [null, {"id": "x", "extension": [1]}, null]}"#;
    let sent = [
        // As read, moved with and without what was left of the siblings, changed in place, one more, one less.
        (
            r#"{"given": ["b", "c", "a"], "_given": [{"extension": [1]}, null, null]}"#,
            r#"{"given": ["b", "c", "a"], "_given": [{"id": "x", "extension": [1]}, null, null]}"#,
        ),
        (
            r#"{"given": ["b", "a", "c"]}"#,
            r#"{"given": ["b", "a", "c"], "_given": [{"id": "x"}]}"#,
        ),
        (
            r#"{"given": ["a", "B", "c"], "_given": [null, {"extension": [1]}, null]}"#,
            r#"{"given": ["a", "B", "c"], "_given": [null, {"id": "x", "extension": [1]}, null]}"#,
        ),
        (
            r#"{"given": ["n", "a", "b", "c"], "_given": [{"id": "mine"}]}"#,
            r#"{"given": ["n", "a", "b", "c"], "_given": [{}, null, {"id": "x"}]}"#,
        ),
        (
            r#"{"given": ["c", "a"]}"#,
            r#"{"given": ["c", "a", "b"], "_given": [null, null, {"id": "x", "extension": [1]}]}"#,
        ),
        (
            "{}",
            r#"{"given": ["b"], "_given": [{"id": "x", "extension": [1]}]}"#,
        ),
    ];
    for (new, expected) in sent {
        check("given.id", old, new, expected);
        let within = |json: &str| format!(r#"{{"name": [{json}]}}"#);
        check(
            "name.given.id",
            &within(old),
            &within(new),
            &within(expected),
        );
    }
    // Siblings that are hidden whole follow their primitives, too.
    for (new, expected) in [
        (r#"{"given": ["a", "b", "c"]}"#, old),
        (
            r#"{"given": ["b", "a"]}"#,
            r#"{"given": ["b", "a"], "_given": [{"id": "x", "extension": [1]}, null]}"#,
        ),
        (
            r#"{"given": ["a"], "_given": [{"id": "mine"}]}"#,
            r#"{"given": ["a", "b"], "_given": [null, {"id": "x", "extension": [1]}]}"#,
        ),
    ] {
        check("_given", old, new, expected);
    }
    let alone = r#"{"given": ["a"], "_given": [null, null, {"id": "x"}]}"#;
    check("_given", alone, r#"{"given": ["a"]}"#, alone);
    check(
        "_given",
        r#"{"_given": [null]}"#,
        "{}",
        r#"{"_given": [null]}"#,
    );
    // Only siblings, and what is no array of primitives.
    check(
        "given.id",
        r#"{"_given": [{"id": 1}]}"#,
        r#"{"given": "a"}"#,
        r#"{"given": "a", "_given": [{"id": 1}]}"#,
    );
}

#[test]
fn a_hidden_choice_stays_beside_another() {
    check(
        "value[x].code",
        r#"{"valueQuantity": {"code": "kg", "value": 1.0}}"#,
        r#"{"valueString": "x"}"#,
        r#"{"valueString": "x", "valueQuantity": {"code": "kg"}}"#,
    );
    check(
        "value[x]",
        r#"{"valueString": "s", "_valueString": {"id": "i"}}"#,
        r#"{"valueQuantity": {"value": 1}, "_valueDate": {}}"#,
        r#"{"valueString": "s", "_valueString": {"id": "i"}}"#,
    );
}

#[test]
fn depth_beside_a_field_does_not_matter() {
    let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(5_000), "]".repeat(5_000));
    let element = |inner: &str, field: &str| format!(r#"{{"x": {}{field}}}"#, deep(inner));
    check(
        "a.f",
        &format!(
            r#"{{"a": [{}, {}]}}"#,
            element("1", r#", "f": 1"#),
            element("2", r#", "f": 2"#)
        ),
        &format!(r#"{{"a": [{}, {}]}}"#, element("2.0", ""), element("1", "")),
        &format!(
            r#"{{"a": [{}, {}]}}"#,
            element("2.0", r#", "f": 2"#),
            element("1", r#", "f": 1"#)
        ),
    );
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
    assert_eq!(
        fields.try_restore(deep, value, &fields),
        Err(FieldError::TooDeep)
    );
    assert_eq!(
        fields.try_restore(value, deep, &fields),
        Err(FieldError::TooDeep)
    );
}
