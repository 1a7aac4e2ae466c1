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
        .try_restore(new_value, Value::parse(&old).unwrap(), &fields)
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
fn changed_elements_are_matched_by_place() {
    let one_changed =
        r#"{"name": [{"given": ["Z"], "family": "F1"}, {"given": ["B"], "family": "F2"}]}"#;
    check(
        "name.family",
        NAMES,
        r#"{"name": [{"given": ["Z"]}, {"given": ["B"]}]}"#,
        one_changed,
    );
    // One of them is gone and the other changed, or both are gone and one is new: nothing is given away.
    check(
        "name.family",
        NAMES,
        r#"{"name": [{"given": ["Z"]}]}"#,
        r#"{"name": [{"given": ["Z"]}, {"given": ["A"], "family": "F1"}, {"given": ["B"], "family": "F2"}]}"#,
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
fn what_takes_the_place_of_a_removed_element_is_not_it() {
    let old = r#"{"n": [{"t": "A", "f": 1}, {"t": "B", "f": 2}, {"t": "C", "f": 3}]}"#;
    for (new, expected) in [
        // A is gone, D is new.
        (
            r#"{"n": [{"t": "B"}, {"t": "C"}, {"t": "D"}]}"#,
            r#"{"n": [{"t": "B", "f": 2}, {"t": "C", "f": 3}, {"t": "D"}, {"t": "A", "f": 1}]}"#,
        ),
        // Changed beyond recognition between two that stay, while others move and are added.
        (
            r#"{"n": [{"t": "N"}, {"t": "A"}, {"t": "X"}, {"t": "C"}, {"t": "M"}]}"#,
            r#"{"n": [{"t": "N"}, {"t": "A", "f": 1}, {"t": "X", "f": 2}, {"t": "C", "f": 3}, {"t": "M"}]}"#,
        ),
        (
            r#"{"n": [{"t": "X"}, {"t": "B"}, {"t": "Y"}]}"#,
            r#"{"n": [{"t": "X", "f": 1}, {"t": "B", "f": 2}, {"t": "Y", "f": 3}]}"#,
        ),
    ] {
        check("n.f", old, new, expected);
    }
}

#[test]
fn a_changed_element_is_known_by_what_is_left_of_it() {
    let old = r#"{"contact": [
        {"name": {"family": "F1"}, "gender": "male", "address": {"city": "A"}},
        {"name": {"family": "F2"}, "gender": "female", "address": {"city": "B"}, "period": {"start": "2020"}}]}"#;
    // The first is gone, the second has another address; a third is new.
    let new = r#"{"contact": [
        {"gender": "female", "address": {"city": "C"}, "period": {"start": "2020"}},
        {"gender": "male", "period": {"start": "2021"}}]}"#;
    let expected = r#"{"contact": [
        {"name": {"family": "F2"}, "gender": "female", "address": {"city": "C"}, "period": {"start": "2020"}},
        {"gender": "male", "period": {"start": "2021"}},
        {"name": {"family": "F1"}, "gender": "male", "address": {"city": "A"}}]}"#;
    check("contact.name.family", old, new, expected);
    // Different ids are different elements, however alike they are.
    check(
        "a.f",
        r#"{"a": [{"id": "1", "x": 1, "y": 2, "z": 3, "f": 1}]}"#,
        r#"{"a": [{"id": "2", "x": 1, "y": 2, "z": 3}]}"#,
        r#"{"a": [{"id": "2", "x": 1, "y": 2, "z": 3}, {"id": "1", "x": 1, "y": 2, "z": 3, "f": 1}]}"#,
    );
}

#[test]
fn content_is_compared_by_value() {
    let old =
        r#"{"a": [{"n": 1.10, "f": 1.00}, {"n": 2e3, "o": {"p": {"f": 2}}, "f": 2}, {"f": 3}]}"#;
    let new = r#"{"a": [{"f": null}, {"n": 2000.0}, {"n": 1.1}]}"#;
    let expected =
        r#"{"a": [{"f": 3}, {"n": 2000.0, "f": 2, "o": {"p": {"f": 2}}}, {"n": 1.1, "f": 1.00}]}"#;
    check("a.f,a.o.p.f", old, new, expected);
}

#[test]
fn what_could_be_seen_tells_more_than_what_is_not_kept() {
    let kept: FieldSet = "i.value,i.period".parse().unwrap();
    let unseen: FieldSet = "i.period".parse().unwrap();
    let old = from_json(r#"{"i": [{"value": 1.0, "period": "P1"}, {"value": 2, "period": "P2"}]}"#);
    let old = old.unwrap();
    let restored = |new: &str| {
        let new = from_json(new).unwrap();
        let new = Value::parse(&new).unwrap();
        let old = Value::parse(&old).unwrap();
        let bytes = kept.try_restore(new, old, &unseen).unwrap().unwrap();
        to_json(Value::parse(&bytes).unwrap())
    };
    let swapped = r#"{"i": [{"value": 2, "period": "P2"}, {"value": 1.0, "period": "P1"}]}"#;
    assert_eq!(
        restored(r#"{"i": [{"value": 2}, {"value": 1}]}"#),
        text(swapped)
    );
    assert_eq!(restored(r#"{"i": [{"value": 2}]}"#), text(swapped));
    // A guess at what cannot be seen makes no difference.
    for guess in ["P1", "P2"] {
        let new = format!(r#"{{"i": [{{"value": 2, "period": "{guess}"}}]}}"#);
        assert_eq!(restored(&new), text(swapped));
    }
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

/// Fields that a writer who cannot see `unseen` would change.
#[track_caller]
fn violations(kept: &str, unseen: &str, old: Option<&str>, new: &str) -> Vec<String> {
    let fields = |paths: &str| paths.parse::<FieldSet>().unwrap();
    let old = old.map(|old| from_json(old).unwrap());
    let new = from_json(new).unwrap();
    let old = old.as_deref().map(|old| Value::parse(old).unwrap());
    fields(kept)
        .violations(Value::parse(&new).unwrap(), old, &fields(unseen))
        .unwrap()
}

#[test]
fn violations_are_named_by_path() {
    let kept = "birthDate,value[x],i.value,telecom,name.given.id";
    let old = r#"{"birthDate": "d", "_birthDate": {"id": "b"}, "valueQuantity": {"value": 1.10}, "telecom": [{"value": "CANARY"}],
        "i": [{"s": "A", "value": "1"}, {"s": "B"}], "name": [{"given": ["a", "b"], "_given": [null, {"id": "x"}]}]}"#;
    let read = r#"{"birthDate": "d", "_birthDate": {"id": "b"}, "valueQuantity": {"value": 1.1},
        "i": [{"s": "B"}, {"s": "A", "value": "1"}], "name": [{"given": ["b", "a"], "_given": [{"id": "x"}]}]}"#;
    let none: [&str; 0] = [];
    assert_eq!(violations(kept, "telecom", Some(old), read), none);
    // What was left out, and what was added or changed.
    assert_eq!(
        violations(kept, "telecom", Some(old), "{}"),
        [
            "_birthDate",
            "birthDate",
            "i.value",
            "name._given.id",
            "valueQuantity"
        ]
    );
    assert_eq!(
        violations(
            kept,
            "telecom",
            Some(old),
            &read
                .replace("\"1\"", "\"2\"")
                .replace("\"x\"", "\"y\"")
                .replace("{\"s\": \"B\"}", "{\"s\": \"B\", \"value\": 0}")
        ),
        ["i.value", "name._given.id"]
    );
    // Of what cannot be seen, whether it is sent counts, not whether it is what is stored.
    for value in ["CANARY", "other"] {
        let sent = read.replacen(
            '{',
            &format!(r#"{{"telecom": [{{"value": "{value}"}}], "#),
            1,
        );
        assert_eq!(violations(kept, "telecom", Some(old), &sent), ["telecom"]);
        assert_eq!(violations("telecom", "telecom", None, &sent), ["telecom"]);
    }
    let empty = r#"{"telecom": null, "i": [{"value": []}]}"#;
    assert_eq!(violations(kept, "", None, empty), none);
    assert_eq!(violations(kept, "", None, read).len(), 5);
    // A field may be hidden in one that is readonly.
    let old = r#"{"name": [{"family": "F", "text": "T"}]}"#;
    let new = r#"{"name": [{"text": "T"}]}"#;
    assert_eq!(violations("name", "name.family", Some(old), new), none);
    let forged = r#"{"name": [{"text": "U", "family": "F"}]}"#;
    assert_eq!(
        violations("name", "name.family", Some(old), forged),
        ["name", "name.family"]
    );
}

#[test]
fn large_arrays_take_time_in_proportion() {
    let element =
        |i: usize, with: &str| format!(r#"{{"s": "{}", "u": "home", "v": {i}{with}}}"#, i % 7);
    let array = |elements: Vec<String>| {
        from_json(&format!(r#"{{"a": [{}]}}"#, elements.join(","))).unwrap()
    };
    let stored = array(
        (0..10_000)
            .map(|i| element(i, &format!(r#", "f": "{i}""#)))
            .collect(),
    );
    let fields: FieldSet = "a.f".parse().unwrap();
    let as_read = |change: &dyn Fn(usize) -> String| array((0..10_000).rev().map(change).collect());
    for (what, new) in [
        ("reversed", as_read(&|i| element(i, ""))),
        ("all changed", as_read(&|i| element(i, r#", "x": 1"#))),
        (
            "all alike",
            as_read(&|_| r#"{"s": "1", "u": "home"}"#.to_owned()),
        ),
        ("all others", as_read(&|i| format!(r#"{{"s": "n{i}"}}"#))),
        ("all empty", as_read(&|_| "{}".to_owned())),
    ] {
        let start = std::time::Instant::now();
        let (new, old) = (Value::parse(&new).unwrap(), Value::parse(&stored).unwrap());
        let restored = fields.try_restore(new, old, &fields).unwrap().unwrap();
        let restored = to_json(Value::parse(&restored).unwrap());
        for i in [0, 1, 4_999, 9_999] {
            assert_eq!(
                restored.matches(&format!("\"f\": \"{i}\"")).count(),
                1,
                "{what}"
            );
        }
        println!("{what}: {:?}", start.elapsed());
        // A hundred million comparisons would take far longer.
        assert!(start.elapsed().as_secs() < 20, "{what}");
    }
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
