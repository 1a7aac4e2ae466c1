//! Hidden fields: exactly these are gone, everything else is byte for byte as it was.
#![allow(clippy::unwrap_used, clippy::panic)]

use access_policy::fields::{FieldError, FieldSet, MAX_DEPTH};
use jsonb::{Value, from_json, to_json};

fn set(paths: &str) -> FieldSet {
    paths.parse().unwrap()
}

/// The document's text without the fields; `None` when it is unchanged.
fn removed(paths: &str, document: &str) -> Option<String> {
    let bytes = from_json(document).unwrap();
    let result = set(paths).mask(Value::parse(&bytes).unwrap()).unwrap()?;
    let text = to_json(Value::parse(&result).unwrap());
    assert_eq!(from_json(&text).unwrap(), result, "canonical form");
    Some(text)
}

#[track_caller]
fn check(paths: &str, document: &str, expected: &str) {
    let expected = to_json(Value::parse(&from_json(expected).unwrap()).unwrap());
    assert_eq!(
        removed(paths, document).as_deref(),
        Some(&*expected),
        "{paths}"
    );
}

const PATIENT: &str = r#"{"resourceType": "Patient", "id": "p1", "active": true, "birthDate": "1970-01-01",
  "_birthDate": {"extension": [{"url": "u", "valueDateTime": "1970-01-01T01:00:00Z"}]},
  "name": [{"use": "official", "family": "Doe", "given": ["A", "B"], "_given": [null, {"id": "g2"}]}, {"text": "J", "family": "D"}],
  "multipleBirthInteger": 2, "multipleBirth": 1.10, "extension": [{"url": "x", "valueQuantity": {"value": 1.10, "code": "kg"}}]}"#;

#[test]
fn a_top_level_field_goes_with_its_sibling() {
    check(
        "birthDate,active",
        r#"{"a": 1.10, "active": true, "birthDate": "x", "_birthDate": {"id": "y"}, "birthDates": 1}"#,
        r#"{"a": 1.10, "birthDates": 1}"#,
    );
    check("birthDate", r#"{"_birthDate": {}}"#, "{}");
    check(
        "_birthDate",
        r#"{"birthDate": 1, "_birthDate": {}}"#,
        r#"{"birthDate": 1}"#,
    );
}

#[test]
fn arrays_are_walked_at_every_level() {
    check(
        "name.family",
        r#"{"name": [{"family": "A", "given": ["x"]}, {"text": "t"}, 5, null, [[{"family": "B"}], []]]}"#,
        r#"{"name": [{"given": ["x"]}, {"text": "t"}, 5, null, [[{}], []]]}"#,
    );
    check(
        "name.family",
        r#"{"name": {"family": "A", "_family": {}}}"#,
        r#"{"name": {}}"#,
    );
    check(
        "a",
        r#"[{"a": 1}, [{"a": 2, "b": 3}]]"#,
        r#"[{}, [{"b": 3}]]"#,
    );
}

#[test]
fn a_choice_names_every_type_and_nothing_else() {
    check(
        "value[x]",
        r#"{"value": 1, "valueSet": "s", "valueQuantity": {}, "valueString": "", "_valueString": {}, "valueDateTime": "d", "valuequantity": 1, "subvalueString": 1}"#,
        r#"{"value": 1, "valueSet": "s", "valuequantity": 1, "subvalueString": 1}"#,
    );
    check(
        "valueQuantity",
        r#"{"valueQuantity": 1, "valueString": 2}"#,
        r#"{"valueString": 2}"#,
    );
    check(
        "component.value[x].code",
        r#"{"component": [{"valueQuantity": {"code": "kg", "value": 1.0}}, {"valueSet": {"code": 1}}]}"#,
        r#"{"component": [{"valueQuantity": {"value": 1.0}}, {"valueSet": {"code": 1}}]}"#,
    );
}

#[test]
fn a_name_and_a_choice_that_meet_both_count() {
    let document = r#"{"valueQuantity": {"code": 1, "unit": 2, "value": 3}, "valueMoney": {"code": 1, "unit": 2}}"#;
    check(
        "value[x].code,valueQuantity.unit",
        document,
        r#"{"valueQuantity": {"value": 3}, "valueMoney": {"unit": 2}}"#,
    );
    check("value[x],valueQuantity.unit", document, "{}");
    check(
        "v[x].a,vDate[x].b,vDateTime.c",
        r#"{"vDateTime": {"a": 1, "b": 2, "c": 3, "d": 4}}"#,
        r#"{"vDateTime": {"d": 4}}"#,
    );
}

#[test]
fn a_step_on_the_way_names_the_sibling_too() {
    check(
        "birthDate.extension",
        r#"{"birthDate": "d", "_birthDate": {"id": "i", "extension": [1]}}"#,
        r#"{"birthDate": "d", "_birthDate": {"id": "i"}}"#,
    );
    check(
        "name.given.id",
        r#"{"name": [{"given": ["a", "b"], "_given": [null, {"id": "x"}]}]}"#,
        r#"{"name": [{"given": ["a", "b"], "_given": [null, {}]}]}"#,
    );
}

#[test]
fn a_path_that_is_not_there_changes_nothing() {
    for paths in [
        "",
        "telecom",
        "name.period",
        "birthDate.x",
        "active.x",
        "multiple[x]",
        "gender,deceased[x],contact.name",
    ] {
        assert_eq!(removed(paths, PATIENT), None, "{paths}");
    }
    for scalar in ["1", "null", "\"a\"", "[]", "{}", "[1, [2]]"] {
        assert_eq!(removed("a,b.c", scalar), None);
    }
    let text = removed("multipleBirth[x]", PATIENT).unwrap();
    assert!(text.contains("\"multipleBirth\": 1.10") && !text.contains("Integer"));
}

#[test]
fn what_cannot_be_walked_is_not_shown() {
    let nested = |depth: usize| {
        let text = format!(
            "{{\"a\":{}{{\"b\":1}}{}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        );
        from_json(&text).unwrap()
    };
    let fine = nested(MAX_DEPTH - 2);
    let fields = set("a.b");
    assert!(
        fields
            .try_remove(Value::parse(&fine).unwrap())
            .unwrap()
            .is_some()
    );
    let deep = nested(5_000);
    let value = Value::parse(&deep).unwrap();
    assert_eq!(fields.try_remove(value), Err(FieldError::TooDeep));
    // What lies too deep to be looked into is not there.
    let levels = MAX_DEPTH - 1;
    let cut = format!("{{\"a\":{}null{}}}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(fields.mask(value), Ok(Some(from_json(&cut).unwrap())));
    // Where no field can be, depth does not matter.
    assert_eq!(set("b.b").try_remove(value), Ok(None));
    assert_eq!(set("a").mask(value), Ok(Some(from_json("{}").unwrap())));

    // The first key's entry: its end lies outside the object.
    let mut corrupt = from_json(r#"{"a": "x", "secret": 1}"#).unwrap();
    let entry = 0x8000_00FF_u32.to_ne_bytes();
    corrupt.get_mut(4..8).unwrap().copy_from_slice(&entry);
    let value = Value::parse(&corrupt).unwrap();
    assert!(matches!(
        set("secret").try_remove(value),
        Err(FieldError::Corrupt(_))
    ));
    assert!(matches!(
        set("secret").mask(value),
        Err(FieldError::Corrupt(_))
    ));
}

#[test]
fn paths_are_checked_and_have_one_text() {
    let not_a_path = "not a path of element names joined by dots, like name.family or value[x]";
    let reserved = "resourceType and id can be neither hidden nor readonly";
    for (path, message) in [
        ("", "an empty path"),
        ("id", reserved),
        ("resourceType", reserved),
        ("a..b", not_a_path),
        (".a", not_a_path),
        ("a[0]", not_a_path),
        ("[x]", not_a_path),
        ("a b", not_a_path),
        ("a,b", not_a_path),
        ("é", not_a_path),
        ("a\0", not_a_path),
    ] {
        let error = FieldSet::parse(&["ok".to_owned(), path.to_owned()]).unwrap_err();
        assert_eq!((error.index, error.message), (1, message), "{path:?}");
    }
    assert!(FieldSet::parse(&["a.".repeat(40) + "a"]).is_err());
    assert!(FieldSet::parse(&["a".repeat(129)]).is_err());
    assert!(FieldSet::parse(&vec!["a".to_owned(); 1001]).is_err());
    assert!("a,,b".parse::<FieldSet>().is_err());

    let all = set("value[x],subject.display,name.family,name,valueQuantity.unit,subject.id");
    assert_eq!(
        all.to_string(),
        "name,subject.id,subject.display,valueQuantity.unit,value[x]"
    );
    assert_eq!(set(&all.to_string()), all);
    assert_eq!(set("").to_string(), "");
    assert!(set("").is_empty() && FieldSet::default() == set("") && !all.is_empty());
}

#[test]
fn a_union_has_the_fields_of_both() {
    let union = set("name.family,active").union(&set("name,value[x].code,active.x"));
    assert_eq!(union.to_string(), "name,active,value[x].code");
    assert_eq!(set("").union(&union), union);
    assert_eq!(union.union(&set("")), union);
}

#[test]
fn covers_and_touches() {
    let fields = set("name.family,birthDate,value[x],component.value[x].code,deceasedBoolean");
    for path in [
        "birthDate",
        "_birthDate",
        "birthDate.extension",
        "name.family",
        "valueString",
        "_valueString.id",
        "value[x]",
        "component.valueMoney.code",
    ] {
        assert!(fields.covers(path), "{path}");
        assert!(fields.touches(path), "{path}");
    }
    for path in [
        "name",
        "component",
        "component.valueMoney",
        "deceased[x]",
        "a..b",
    ] {
        assert!(!fields.covers(path), "{path}");
        assert!(fields.touches(path), "{path}");
    }
    for path in [
        "name.given",
        "valueSet",
        "gender",
        "deceasedDateTime",
        "component.valueMoney.unit",
    ] {
        assert!(!fields.covers(path), "{path}");
        assert!(!fields.touches(path), "{path}");
    }
    assert!(!set("").touches("name") && !set("").touches(""));
}
