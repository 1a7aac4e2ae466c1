//! Hostile documents: deep, wide or long ones, whatever is asked of them, take as many steps as they take time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod bounded;

use std::fmt::Write as _;

use bounded::{MANY, fault, patient_of, verdict, verdict_within};
use fhirpath::{DEFAULT_STEPS, Fault, Verdict};
use jsonb::MAX_DEPTH;

/// A document with as many containers in each other as there can be.
fn deepest(resource_type: &str, open: &str, close: &str) -> Vec<u8> {
    let containers = open.matches(['{', '[']).count();
    let times = (MAX_DEPTH - 1) / containers;
    let (open, close) = (open.repeat(times), close.repeat(times));
    let json = format!(r#"{{"resourceType": "{resource_type}", "id": "x"{open}{close}}}"#);
    jsonb::from_json(&json).expect("JSON")
}

fn deepest_documents() -> [Vec<u8>; 4] {
    [
        deepest("Patient", r#","extension":[{"url":"x""#, "}]"),
        deepest("QuestionnaireResponse", r#","item":[{"linkId":"1""#, "}]"),
        deepest("Patient", r#","unknown":{"x":1"#, "}"),
        deepest(
            "Unknown",
            r#","contained":[{"resourceType":"Patient""#,
            "}]",
        ),
    ]
}

#[test]
fn the_deepest_documents_are_walked_without_recursion() {
    for document in deepest_documents() {
        let levels = MAX_DEPTH as u64;
        let count = "descendants().count() > 2900";
        assert_eq!(verdict_within(count, &document, 20 * levels), Verdict::True);
        let repeated = "repeat(children()).count() > 2900";
        let verdict = verdict_within(repeated, &document, DEFAULT_STEPS);
        assert!(
            matches!(verdict, Verdict::True | Verdict::Error(_)),
            "{verdict:?}"
        );
        let text = "descendants().ofType(string).where($this = 'x').count() >= 0";
        assert_eq!(verdict_within(text, &document, 40 * levels), Verdict::True);
    }
}

#[test]
fn the_deepest_documents_are_not_compared() {
    for document in deepest_documents() {
        for source in [
            "%before = %after",
            "%before != %after",
            "%before ~ %after",
            "%before !~ %after",
            "(%before | %after).count() = 1",
            "%before.intersect(%after).exists()",
            "%before.exclude(%after).exists()",
            "%before.combine(%after).isDistinct()",
            "%before.subsetOf(%after)",
            "%before in %after",
            "descendants().distinct().count() > 0",
            "repeat(children()).distinct().count() > 0",
        ] {
            let verdict = verdict_within(source, &document, DEFAULT_STEPS);
            assert!(
                matches!(verdict, Verdict::Error(_)),
                "{source}: {verdict:?}"
            );
        }
    }
}

#[test]
fn a_million_items_take_as_many_steps() {
    let document = patient_of(1_000, 1_000);
    let million = 1_000_000;
    let count = "name.given.count() = 1000000";
    assert_eq!(verdict_within(count, &document, 3 * million), Verdict::True);
    for source in [
        "name.given | name.given",
        "(name.given | name.given).count() = 1000000",
        "name.given.combine(name.given).distinct().count() = 1000000",
        "name.given = name.given",
        "name.given ~ name.given",
        "name.given.isDistinct()",
        "name.given.intersect(name.given).count() = 1",
        "name.given.subsetOf(name.given)",
        "name.given.where($this = 'x').empty()",
        "name.given.select(%resource.name.given).count() > 0",
        "name.given.join(',').length() > 0",
        "name.given.sort().first() = 'g0-0'",
    ] {
        let fault = fault(verdict_within(source, &document, DEFAULT_STEPS));
        assert!(
            matches!(fault, Fault::Budget | Fault::TextTooLong(_)),
            "{source}: {fault:?}"
        );
    }
}

/// Copies are work, too: what a step makes must not be larger than what it takes.
#[test]
fn copies_of_many_items_take_many_steps() {
    let document = patient_of(100, 300);
    for source in [
        "name.aggregate(iif($total.empty(), %resource.name.given, iif($total[0] = 'x', $total, $total)), {})",
        "name.given.aggregate(iif($total[0] = 'x', $total, $total), %resource.name.given)",
        "name.given.select(%resource.name.given[0])",
        "defineVariable('g', name.given).name.given.select(%g[0])",
        "name.given.select(%resource.name.given.first())",
        "defineVariable('g', name.given).name.given.where(%g.last() = 'x')",
        "name.given.aggregate($total.tail(), %resource.name.given)",
        "name.given.aggregate($total.skip(0), %resource.name.given)",
        "name.given.aggregate($total.take(100000), %resource.name.given)",
        "name.given.aggregate($total.coalesce($total), %resource.name.given)",
        "name.given.aggregate($total.trace('x'), %resource.name.given)",
        "name.given.aggregate($total.as(string), %resource.name.given)",
        "name.given.aggregate($total.ofType(string), %resource.name.given)",
        "name.given.aggregate($total.$this, %resource.name.given)",
    ] {
        let verdict = verdict_within(source, &document, DEFAULT_STEPS);
        assert!(
            matches!(verdict, Verdict::Error(_)),
            "{source}: {verdict:?}"
        );
    }
}

#[test]
fn long_texts_of_documents_take_many_steps() {
    let long = "x".repeat(1_000_000);
    let json = format!(
        r#"{{"resourceType": "Patient", "id": "{long}", "text": {{"status": "generated", "div": "{long}"}},
            "name": [{{"family": "{long}", "given": [{}"a"]}}]}}"#,
        "\"a\",".repeat(20_000)
    );
    let document = jsonb::from_json(&json).unwrap();
    for source in [
        "name.given.where(%resource.id.empty()).empty()",
        "name.given.where(%resource.text.`div`.hasValue().not()).empty()",
        "name.given.where(%resource.id.convertsToBoolean()).empty()",
    ] {
        let verdict = verdict_within(source, &document, DEFAULT_STEPS);
        assert!(
            matches!(verdict, Verdict::Error(_)),
            "{source}: {verdict:?}"
        );
    }
    for source in [
        "name.given.where(%resource.id = %resource.text.`div`).empty()",
        "name.given.where(%resource.id ~ %resource.name.family).empty()",
        "name.given.where((%resource.id | %resource.name.family).count() = 2).empty()",
        "name.given.where((%resource.text | %resource.text).count() = 2).empty()",
        "name.given.where(%resource.id.contains('y')).empty()",
        "name.given.where(%resource.id.startsWith(%resource.id)).empty()",
        "name.given.where(%resource.id.indexOf('y') > 0).empty()",
        "name.given.where(%resource.id.lastIndexOf('y') > 0).empty()",
        "name.given.where(%resource.id.length() = 0).empty()",
        "name.given.where(%resource.id.upper() = 'x').empty()",
        "name.given.where(%resource.id.substring(999999) = 'y').empty()",
        "name.given.where(%resource.id.matches('^(x+x+)+y')).empty()",
        "name.given.where(%resource.id.replace('y', 'z') = 'y').empty()",
        "name.given.where(%resource.id.trim() = 'y').empty()",
        "name.given.where(%resource.id.toInteger() = 1).empty()",
        "name.given.where(%resource.id.toDecimal() = 1).empty()",
        "name.given.where(%resource.id.toQuantity() = 1 'kg').empty()",
        "name.given.where(%resource.id.toDateTime() = @2015T).empty()",
        "name.given.where(%resource.id < %resource.name.family).empty()",
        "name.given.where(%resource.id & 'a' = 'y').empty()",
        "name.given.where(%resource.id in (%resource.id | 'y')).exists().not()",
        "name.given.where(%resource.text.`div`.htmlChecks()).empty()",
        "name.given.where(%resource.id.encode('base64') = 'y').empty()",
        "name.given.where(%resource.id.decode('base64') = 'y').empty()",
        "name.given.where(%resource.id.split('x').count() = 1).empty()",
    ] {
        let verdict = verdict_within(source, &document, DEFAULT_STEPS / 10);
        assert!(
            matches!(verdict, Verdict::Error(_)),
            "{source}: {verdict:?}"
        );
    }
}

#[test]
fn wide_documents_take_many_steps() {
    let mut json = String::from(r#"{"resourceType": "Observation""#);
    for number in 0..MANY {
        write!(json, r#","value{number}": 1"#).unwrap();
    }
    write!(
        json,
        r#","note": [{}1]}}"#,
        "{\"text\": \"a\"},".repeat(20_000)
    )
    .unwrap();
    let document = jsonb::from_json(&json).unwrap();
    for source in [
        "note.where(%resource.value.exists()).empty()",
        "note.where(%resource.children().count() = 1).empty()",
        "note.where(%resource.valueQuantity.exists()).empty()",
        "note.where((%resource | %resource).count() = 2).empty()",
        "note.where(%resource = %resource).empty()",
        "note.where(%resource.descendants().count() = 0).empty()",
    ] {
        let verdict = verdict_within(source, &document, DEFAULT_STEPS);
        assert!(
            matches!(verdict, Verdict::Error(_) | Verdict::True),
            "{source}: {verdict:?}"
        );
    }
}

#[test]
fn many_contained_resources_and_references_take_many_steps() {
    let mut json = String::from(
        r##"{"resourceType": "Observation", "subject": {"reference": "#c9999"}, "contained": ["##,
    );
    for number in 0..10_000 {
        let comma = if number == 0 { "" } else { "," };
        write!(
            json,
            r#"{comma}{{"resourceType": "Patient", "id": "c{number}"}}"#
        )
        .unwrap();
    }
    json.push_str(r#"], "performer": ["#);
    for number in 0..10_000 {
        let comma = if number == 0 { "" } else { "," };
        write!(json, r##"{comma}{{"reference": "#c{number}"}}"##).unwrap();
    }
    json.push_str("]}");
    let document = jsonb::from_json(&json).unwrap();
    for source in [
        "performer.resolve().count() = 10000",
        "performer.select(resolve()).count() = 10000",
        "performer.where(%resource.subject.resolve().exists()).empty()",
    ] {
        let verdict = verdict_within(source, &document, DEFAULT_STEPS);
        assert!(
            matches!(verdict, Verdict::Error(_) | Verdict::True),
            "{source}: {verdict:?}"
        );
    }
    assert_eq!(
        verdict_within("subject.resolve() is Patient", &document, 100_000),
        Verdict::True
    );
}

/// Numbers as long as `jsonb` can hold them.
#[test]
fn long_numbers_are_no_values() {
    let digits = "9".repeat(100_000);
    for number in [
        digits.clone(),
        format!("0.{}", &digits[..16_000]),
        "1e131000".to_owned(),
        "1e-16000".to_owned(),
    ] {
        let json = format!(
            r#"{{"resourceType": "Observation", "valueQuantity": {{"value": {number}, "code": "kg", "system": "http://unitsofmeasure.org"}},
                "note": [{}{{"text": "a"}}]}}"#,
            "{\"text\": \"a\"},".repeat(20_000)
        );
        for source in [
            "note.where(%resource.value.value > 1).count() >= 0",
            "note.where(%resource.value > 1 'g').count() >= 0",
            "note.where(%resource.value = %resource.value).count() >= 0",
            "note.where(%resource.value ~ %resource.value).count() >= 0",
            "note.where(%resource.value.value.toString() = '1').count() >= 0",
            "note.where((%resource.value | %resource.value).exists()).count() >= 0",
        ] {
            let verdict = verdict(source, &json);
            assert!(
                matches!(verdict, Verdict::Error(_) | Verdict::True),
                "{source}: {verdict:?}"
            );
        }
    }
}
