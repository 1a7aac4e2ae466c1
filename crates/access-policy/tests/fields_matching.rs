//! Which element of a new array is which of the stored one.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/restored.rs"]
mod restored;

use access_policy::fields::FieldSet;
use jsonb::{Value, from_json, to_json};
use restored::{check, text};

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
