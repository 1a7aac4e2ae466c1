//! Extensions by their URL, and resources inside a document: what of them is hidden, and what is put back.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/restored.rs"]
mod restored;

use access_policy::fields::FieldSet;
use jsonb::{Value, from_json, to_json};
use restored::{check as restores, text};

fn set(paths: &str) -> FieldSet {
    let fields: FieldSet = paths.parse().unwrap();
    assert_eq!(fields.to_string().parse::<FieldSet>().unwrap(), fields);
    fields
}

/// Masking `document` gives `expected`, and once more changes nothing.
#[track_caller]
fn hides(paths: &str, document: &str, expected: &str) {
    let masked = |document: &[u8]| {
        let masked = set(paths).mask(Value::parse(document).unwrap()).unwrap();
        masked.unwrap_or_else(|| document.to_vec())
    };
    let once = masked(&from_json(document).unwrap());
    assert_eq!(to_json(Value::parse(&once).unwrap()), text(expected));
    assert_eq!(masked(&once), once);
}

#[test]
fn an_extension_goes_by_its_url() {
    hides(
        "extension('u:race')",
        r#"{"extension": [{"url": "u:race", "valueCode": "x"}, {"url": "u:sex", "valueCode": "y"}, {"url": "u:race"}, {"urls": "u:race"}],
            "modifierExtension": [{"url": "u:race"}], "name": [{"extension": [{"url": "u:race"}]}]}"#,
        r#"{"extension": [{"url": "u:sex", "valueCode": "y"}, {"urls": "u:race"}],
            "modifierExtension": [{"url": "u:race"}], "name": [{"extension": [{"url": "u:race"}]}]}"#,
    );
    hides(
        "modifierExtension('a,b.c')",
        r#"{"modifierExtension": [{"url": "a,b.c"}], "extension": [{"url": "a,b.c"}]}"#,
        r#"{"extension": [{"url": "a,b.c"}]}"#,
    );
}

#[test]
fn an_array_of_which_nothing_is_left_goes_too() {
    hides(
        "extension('u')",
        r#"{"a": 1, "extension": [{"url": "u"}, {"url": "u"}]}"#,
        r#"{"a": 1}"#,
    );
    hides(
        "extension('u')",
        r#"{"a": 1, "extension": {"url": "u"}}"#,
        r#"{"a": 1}"#,
    );
    hides(
        "extension('u')",
        r#"{"extension": []}"#,
        r#"{"extension": []}"#,
    );
    hides(
        "extension('u')",
        r#"{"extension": [[{"url": "u"}], 5]}"#,
        r#"{"extension": [[], 5]}"#,
    );
}

#[test]
fn an_extension_goes_below_elements_and_primitives() {
    hides(
        "birthDate.extension('u'),name.extension('u'),name.given.extension('u')",
        r#"{"birthDate": "1970", "_birthDate": {"id": "b", "extension": [{"url": "u", "valueTime": "1"}]}, "extension": [{"url": "u"}],
            "name": [{"family": "F", "extension": [{"url": "u"}, {"url": "v"}],
                      "given": ["A", "B"], "_given": [null, {"id": "g", "extension": [{"url": "u"}]}]}]}"#,
        r#"{"birthDate": "1970", "_birthDate": {"id": "b"}, "extension": [{"url": "u"}],
            "name": [{"family": "F", "extension": [{"url": "v"}],
                      "given": ["A", "B"], "_given": [null, {"id": "g"}]}]}"#,
    );
}

#[test]
fn a_path_goes_on_below_an_extension() {
    hides(
        "extension('race').extension('detailed'),extension('race').value[x],extension('sex').valueCode.extension('why')",
        r#"{"extension": [{"url": "race", "valueString": "x", "extension": [{"url": "detailed"}, {"url": "ombCategory"}]},
                          {"url": "sex", "valueCode": "F", "_valueCode": {"extension": [{"url": "why"}, {"url": "how"}]},
                           "extension": [{"url": "detailed"}]}]}"#,
        r#"{"extension": [{"url": "race", "extension": [{"url": "ombCategory"}]},
                          {"url": "sex", "valueCode": "F", "_valueCode": {"extension": [{"url": "how"}]},
                           "extension": [{"url": "detailed"}]}]}"#,
    );
}

#[test]
fn what_is_no_extension_path_is_an_error() {
    for path in [
        "extension(http://x)",
        "extension('')",
        "extension('a'b')",
        "extension(\"u\")",
        "extension('u'",
        "extension('u').",
        "extension('u')x",
        "name('u')",
        "extension('a\\b')",
        "extension('a\nb')",
        "Patient:name",
        "!redacted",
    ] {
        assert!(FieldSet::parse(&[path.to_owned()]).is_err(), "{path}");
    }
    let longest = format!("extension('{}')", "u".repeat(1000));
    assert!(FieldSet::parse(std::slice::from_ref(&longest)).is_ok());
    assert!(FieldSet::parse(&[longest.replace("('", "('u")]).is_err());
}

#[test]
fn extensions_meet_paths() {
    let race = set("extension('race'),name.extension('u').valueString");
    for path in [
        "extension",
        "extension('race')",
        "extension('race').valueCode",
        "extension.url",
        "name",
        "name.extension('u')",
    ] {
        assert!(race.touches(path), "{path}");
    }
    for path in [
        "extension('sex')",
        "name.extension('v')",
        "name.extension('u').valueCode",
        "modifierExtension('race')",
    ] {
        assert!(!race.touches(path), "{path}");
    }
    assert!(race.covers("extension('race').valueCode") && !race.covers("extension"));
    assert!(set("extension").covers("extension('race')"));
    assert!(set("extension").touches("extension('race').valueCode"));
}

#[test]
fn extensions_come_back_to_their_places() {
    let paths = "extension('u')";
    let old = r#"{"extension": [{"url": "u", "v": 1}, {"url": "a"}, {"url": "u", "v": 2}, {"url": "u", "v": 3}, {"url": "b"}]}"#;
    restores(
        paths,
        old,
        r#"{"extension": [{"url": "a"}, {"url": "b"}]}"#,
        old,
    );
    restores(
        paths,
        old,
        r#"{"extension": [{"url": "c"}, {"url": "b"}, {"url": "a"}, {"url": "u", "v": 9}]}"#,
        r#"{"extension": [{"url": "u", "v": 1}, {"url": "c"}, {"url": "b"}, {"url": "a"}, {"url": "u", "v": 2}, {"url": "u", "v": 3}]}"#,
    );
    restores(
        paths,
        old,
        "{}",
        r#"{"extension": [{"url": "u", "v": 1}, {"url": "u", "v": 2}, {"url": "u", "v": 3}]}"#,
    );
    restores(
        paths,
        "{}",
        r#"{"a": 1, "extension": [{"url": "u"}]}"#,
        r#"{"a": 1}"#,
    );
    restores(
        paths,
        r#"{"extension": [{"url": "b"}]}"#,
        r#"{"extension": [{"url": "u"}, {"url": "b"}]}"#,
        r#"{"extension": [{"url": "b"}]}"#,
    );
    restores(
        paths,
        r#"{"extension": {"url": "u", "v": 1}}"#,
        r#"{"a": 1}"#,
        r#"{"a": 1, "extension": {"url": "u", "v": 1}}"#,
    );
}

#[test]
fn a_hidden_value_never_comes_under_another_url() {
    for id in ["", r#""id": "e", "#] {
        restores(
            "extension('a').valueString",
            &format!(r#"{{"extension": [{{{id}"url": "a", "valueString": "SECRET"}}]}}"#),
            &format!(r#"{{"extension": [{{{id}"url": "b"}}]}}"#),
            &format!(
                r#"{{"extension": [{{{id}"url": "b"}}, {{{id}"url": "a", "valueString": "SECRET"}}]}}"#
            ),
        );
        restores(
            "extension('a').valueString",
            &format!(r#"{{"extension": {{{id}"url": "a", "valueString": "SECRET"}}}}"#),
            &format!(r#"{{"extension": {{{id}"url": "b"}}}}"#),
            &format!(r#"{{"extension": {{{id}"url": "a", "valueString": "SECRET"}}}}"#),
        );
    }
}

const NESTED: &str = "name,Patient:name,Patient:extension('u'),*:text";

#[test]
fn resources_inside_have_the_fields_of_their_type() {
    hides(
        NESTED,
        r#"{"resourceType": "Patient", "name": 1, "text": 1,
            "contained": [{"resourceType": "Patient", "name": 2, "text": 2, "extension": [{"url": "u"}]},
                          {"resourceType": "Group", "name": 3, "text": 3, "extension": [{"url": "u"}]}]}"#,
        r#"{"resourceType": "Patient", "text": 1,
            "contained": [{"resourceType": "Patient"}, {"resourceType": "Group", "name": 3, "extension": [{"url": "u"}]}]}"#,
    );
    hides(
        NESTED,
        r#"{"resourceType": "Bundle", "entry": [
            {"fullUrl": "f", "name": 1, "resource": {"resourceType": "Patient", "name": 1, "text": 1}},
            {"resource": {"resourceType": "Group", "name": 2, "contained": {"resourceType": "Patient", "name": 1}},
             "response": {"outcome": {"resourceType": "OperationOutcome", "name": 2, "text": 1}, "resource": {"name": 2}}},
            {"resource": {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "name": 1}}]}}]}"#,
        r#"{"resourceType": "Bundle", "entry": [
            {"fullUrl": "f", "name": 1, "resource": {"resourceType": "Patient"}},
            {"resource": {"resourceType": "Group", "name": 2, "contained": {"resourceType": "Patient"}},
             "response": {"outcome": {"resourceType": "OperationOutcome", "name": 2}, "resource": {"name": 2}}},
            {"resource": {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]}}]}"#,
    );
    hides(
        NESTED,
        r#"{"resourceType": "Parameters", "parameter": [
            {"name": "a", "resource": {"resourceType": "Patient", "name": 1}},
            {"name": "b", "part": [{"name": "c", "part": [{"name": "d", "resource": {"resourceType": "Patient", "name": 1}}]}]}]}"#,
        r#"{"resourceType": "Parameters", "parameter": [
            {"name": "a", "resource": {"resourceType": "Patient"}},
            {"name": "b", "part": [{"name": "c", "part": [{"name": "d", "resource": {"resourceType": "Patient"}}]}]}]}"#,
    );
}

#[test]
fn a_resource_of_no_known_type_has_the_fields_of_all() {
    hides(
        "Patient:name,Observation:code,Group:extension('u').valueCode",
        r#"{"contained": [{"name": 1, "code": 2, "x": 3}, {"resourceType": "patient", "name": 1, "x": 3}, {"resourceType": 5, "code": 1},
                          {"resourceType": "Observation", "name": 1, "code": 2}, [{"resourceType": "Patient", "name": 1}], 7,
                          {"extension": [{"url": "u", "valueCode": 1}]}]}"#,
        r#"{"contained": [{"x": 3}, {"resourceType": "patient", "x": 3}, {"resourceType": 5},
                          {"resourceType": "Observation", "name": 1}, [{"resourceType": "Patient"}], 7,
                          {"extension": [{"url": "u"}]}]}"#,
    );
}

#[test]
fn a_path_of_the_document_counts_inside_as_well() {
    hides(
        "contained.code,Patient:name",
        r#"{"contained": [{"resourceType": "Patient", "name": 1, "code": 2, "x": 3}]}"#,
        r#"{"contained": [{"resourceType": "Patient", "x": 3}]}"#,
    );
    let fields = set("code,Patient:name");
    for path in [
        "contained",
        "contained.name",
        "entry.resource.name",
        "entry",
        "entry.response.outcome",
        "parameter.part.resource.name",
        "code",
    ] {
        assert!(fields.touches(path), "{path}");
    }
    for path in [
        "contained.gender",
        "entry.fullUrl",
        "parameter.name",
        "name",
        "parameter.part.valueString",
    ] {
        assert!(!fields.touches(path), "{path}");
    }
    assert!(!fields.is_empty() && !set("Patient:name").is_empty());
    assert_eq!(fields.paths(), ["code"]);
}

#[test]
fn what_is_nested_too_deeply_is_cut() {
    let nested = |levels, innermost: &str| {
        let begin = r#"{"resourceType": "Group", "id": "g", "contained": ["#.repeat(levels);
        format!("{begin}{innermost}{}", "]}".repeat(levels))
    };
    let patient = r#"{"resourceType": "Patient", "name": "SECRET"}"#;
    hides("Patient:name", &nested(100, patient), &nested(64, "null"));
}

#[test]
fn unions_of_texts_and_sets_agree() {
    let texts = [
        "name,Patient:name,!redacted",
        "extension('a,b'),*:text,Patient:telecom",
    ];
    let [one, other] = texts.map(set);
    assert_eq!(one.union(&other), set(&texts.join(",")));
    assert_eq!(
        one.union(&other).to_string(),
        "name,extension('a,b'),Patient:name,Patient:telecom,*:text,!redacted"
    );
    let mut nested = set("name");
    nested.nest("Patient", &set("name,Group:code"));
    assert_eq!(nested, set("name,Patient:name"));
}

#[test]
fn resources_inside_are_restored() {
    let paths = "Patient:name";
    let patient =
        |id: &str, rest: &str| format!(r#"{{"resourceType": "Patient", "id": "{id}"{rest}}}"#);
    let bundle = |resources: &[String]| {
        let entries: Vec<_> = resources
            .iter()
            .map(|resource| format!(r#"{{"resource": {resource}}}"#))
            .collect();
        format!(r#"{{"entry": [{}]}}"#, entries.join(","))
    };
    let (a, b) = (
        patient("a", r#", "name": "A""#),
        patient("b", r#", "name": "B""#),
    );
    // Edited, moved, one more.
    restores(
        paths,
        &bundle(&[a.clone(), b.clone()]),
        &bundle(&[
            patient("c", r#", "name": "x""#),
            patient("b", r#", "active": true"#),
            patient("a", ""),
        ]),
        &bundle(&[
            patient("c", ""),
            patient("b", r#", "active": true, "name": "B""#),
            a.clone(),
        ]),
    );
    // Another patient in an entry's place is another entry.
    restores(
        paths,
        &bundle(std::slice::from_ref(&a)),
        &bundle(&[patient("c", "")]),
        &bundle(&[patient("c", ""), a.clone()]),
    );
    // Without its resource an entry is none: it is as it was.
    restores(
        paths,
        &bundle(std::slice::from_ref(&a)),
        r#"{"entry": [{}]}"#,
        &bundle(std::slice::from_ref(&a)),
    );
    restores(
        paths,
        &format!(r#"{{"contained": [{a}]}}"#),
        "{}",
        &format!(r#"{{"contained": [{a}]}}"#),
    );
}

#[test]
fn a_hidden_value_never_comes_into_a_resource_of_another_type() {
    let old = r#"{"contained": [{"resourceType": "Patient", "id": "a", "name": "SECRET"}]}"#;
    for id in ["", r#", "id": "a""#] {
        restores(
            "Patient:name",
            old,
            &format!(r#"{{"contained": [{{"resourceType": "Group"{id}}}]}}"#),
            &format!(
                r#"{{"contained": [{{"resourceType": "Group"{id}}}, {{"resourceType": "Patient", "id": "a", "name": "SECRET"}}]}}"#
            ),
        );
    }
    let old = r#"{"parameter": {"name": "p", "resource": {"resourceType": "Patient", "id": "a", "name": "SECRET"}}}"#;
    for resource in [
        r#"{"resourceType": "Group", "id": "a"}"#,
        r#"{"resourceType": "Patient", "id": "b"}"#,
        "5",
        r#"{}"#,
    ] {
        let new = format!(r#"{{"parameter": {{"name": "p", "resource": {resource}}}}}"#);
        restores("Patient:name", old, &new, old);
    }
}

#[test]
fn violations_name_what_was_sent() {
    let fields = set("Patient:name,extension('u'),extension('v').valueCode,active");
    let violations = |new: &str, old: &str, unseen: &str| {
        let (new, old) = (from_json(new).unwrap(), from_json(old).unwrap());
        let (new, old) = (Value::parse(&new).unwrap(), Value::parse(&old).unwrap());
        fields.violations(new, Some(old), &set(unseen)).unwrap()
    };
    let old = r#"{"active": true, "extension": [{"url": "u", "valueCode": 1}, {"url": "v", "valueCode": 2}, {"url": "w"}],
                  "contained": [{"resourceType": "Patient", "id": "p", "name": 1}]}"#;
    let none: [&str; 0] = [];
    assert_eq!(violations(old, old, ""), none);
    let read = r#"{"active": true, "extension": [{"url": "v"}, {"url": "w"}], "contained": [{"resourceType": "Patient", "id": "p"}]}"#;
    let unseen = "Patient:name,extension('u'),extension('v').valueCode";
    assert_eq!(violations(read, old, unseen), none);
    assert_eq!(
        violations(read, old, ""),
        ["contained.name", "extension('u')", "extension.valueCode"]
    );
    assert_eq!(
        violations(old, old, unseen),
        ["contained.name", "extension('u')", "extension.valueCode"]
    );
    let other = r#"{"active": true, "extension": [{"url": "v"}, {"url": "u", "valueCode": 7}], "contained": [{"resourceType": "Group", "id": "p", "name": 1}]}"#;
    assert_eq!(violations(other, old, unseen), ["extension('u')"]);
    assert_eq!(
        violations(other, old, ""),
        ["contained.name", "extension('u')", "extension.valueCode"]
    );
}

#[test]
fn a_guess_at_what_tells_elements_apart_is_not_confirmed() {
    let masked = |fields: &FieldSet, document: Vec<u8>| {
        let masked = fields.mask(Value::parse(&document).unwrap()).unwrap();
        masked.unwrap_or(document)
    };
    // What is hidden is 1 in the stored document; 1 and 2 are written.
    for (paths, stored) in [
        (
            "entry.resource,Patient:name",
            r#"{"entry": [{"fullUrl": "a", "resource": {"resourceType": "Patient", "id": "HIDDEN"}}, {"fullUrl": "b", "resource": {}}]}"#,
        ),
        (
            "entry.resource.id,Patient:name",
            r#"{"entry": [{"resource": {"resourceType": "Patient", "id": "HIDDEN", "name": "n"}}]}"#,
        ),
        (
            "entry.resource.resourceType,Patient:name",
            r#"{"entry": [{"resource": {"resourceType": "HIDDEN", "id": "a", "name": "n"}}]}"#,
        ),
        (
            "contained.id,Patient:name",
            r#"{"contained": [{"resourceType": "Patient", "id": "HIDDEN", "name": "n"}, {"resourceType": "Patient", "id": "b", "name": "m"}]}"#,
        ),
        (
            "extension.url,extension('1').value,extension('2').value",
            r#"{"extension": [{"url": "HIDDEN", "value": "v"}, {"url": "3", "value": "w"}]}"#,
        ),
        (
            "extension.id,extension('u').value",
            r#"{"extension": {"url": "u", "id": "HIDDEN", "value": "v"}}"#,
        ),
    ] {
        let fields = set(paths);
        let outcome = |guess: &str| {
            let old = from_json(&stored.replace("HIDDEN", "1")).unwrap();
            let new = stored
                .replace("HIDDEN", guess)
                .replace("\"a\"", "\"changed\"");
            let new = from_json(&new).unwrap();
            let restored = fields.try_restore(
                Value::parse(&new).unwrap(),
                Value::parse(&old).unwrap(),
                &fields,
            );
            let stored = restored.unwrap().unwrap_or(new);
            to_json(Value::parse(&masked(&fields, stored)).unwrap())
        };
        assert_eq!(outcome("1"), outcome("2"), "{paths}: {stored}");
    }
}

#[test]
fn what_has_the_same_id_is_told_apart_by_what_can_be_seen() {
    let old = r#"{"contained": [{"resourceType": "Group", "id": "a", "x": 1}, {"resourceType": "Group", "id": "a", "x": 2, "member": "SECRET"}]}"#;
    let new = r#"{"contained": [{"resourceType": "Group", "id": "a", "x": 2}]}"#;
    let kept =
        r#"{"contained": [{"resourceType": "Group", "id": "a", "x": 2, "member": "SECRET"}]}"#;
    restores("Group:member", old, new, kept);
    let moved = r#"{"contained": [{"resourceType": "Group", "id": "a", "x": 2}, {"resourceType": "Group", "id": "a", "x": 1}]}"#;
    let expected = r#"{"contained": [{"resourceType": "Group", "id": "a", "x": 2, "member": "SECRET"}, {"resourceType": "Group", "id": "a", "x": 1}]}"#;
    restores("Group:member", old, moved, expected);
    // Edited, it is the one in its place.
    let edited = r#"{"contained": [{"resourceType": "Group", "id": "a", "x": 1}, {"resourceType": "Group", "id": "a", "x": 3}]}"#;
    let expected = r#"{"contained": [{"resourceType": "Group", "id": "a", "x": 1}, {"resourceType": "Group", "id": "a", "x": 3, "member": "SECRET"}]}"#;
    restores("Group:member", old, edited, expected);
}
