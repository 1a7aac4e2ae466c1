//! The keys of documents: what expression indexes hold.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use fhir_search::Span;
use fhir_search::keys::{Bound, MOST_KEY_BYTES, Paths};
use support::Document;

fn paths(text: &str) -> Paths {
    let paths: Paths = text.parse().unwrap();
    assert_eq!(paths.to_string(), text);
    paths
}

fn shown(bound: Option<Bound<jsonb::Decimal>>) -> String {
    match bound {
        None => "NULL".to_owned(),
        Some(Bound::NegativeInfinity) => "-Infinity".to_owned(),
        Some(Bound::Infinity) => "Infinity".to_owned(),
        Some(Bound::At(number)) => number.as_number().to_decimal(),
    }
}

#[test]
fn times() {
    let start = |text: &str| Some(Span::parse(text).unwrap().start);
    let end = |text: &str| Some(Span::parse(text).unwrap().end);
    let effective = "effectiveDateTime:dateTime, effectivePeriod:Period";
    for (text, json, earliest, latest) in [
        (effective, "{}", None, None),
        (effective, "[]", None, None),
        (effective, "7", None, None),
        (effective, r#"{"effectiveDateTime":"soon"}"#, None, None),
        (effective, r#"{"effectiveDateTime":5}"#, None, None),
        (effective, r#"{"effectivePeriod":{}}"#, None, None),
        (
            effective,
            r#"{"effectiveDateTime":"2013-01"}"#,
            start("2013-01"),
            end("2013-01"),
        ),
        (
            effective,
            r#"{"effectivePeriod":{"start":"2013"}}"#,
            start("2013"),
            Some(i64::MAX),
        ),
        (
            effective,
            r#"{"effectivePeriod":{"end":"2013"}}"#,
            Some(i64::MIN),
            end("2013"),
        ),
        // A choice with two members is unknown.
        (
            effective,
            r#"{"effectiveDateTime":"2013","effectivePeriod":{"end":"2013"}}"#,
            None,
            None,
        ),
        // Two elements that are no choice are two elements.
        (
            "birthDate:date, period:Period",
            r#"{"birthDate":"1990","period":{"start":"2013"}}"#,
            start("1990"),
            Some(i64::MAX),
        ),
        (
            "a*.b*:dateTime",
            r#"{"a":[{"b":["2013","soon",5,null]},7,{"b":"2012"},{"b":["2010-05"]}]}"#,
            start("2010-05"),
            end("2013"),
        ),
        (
            "a*:Period",
            r#"{"a":[{"start":"2014","end":"2013"},{"start":"2011","end":"2012"}]}"#,
            start("2011"),
            end("2012"),
        ),
    ] {
        let document = Document::new(json);
        let keys = paths(text);
        assert_eq!(keys.earliest(document.value()), earliest, "{text} {json}");
        assert_eq!(keys.latest(document.value()), latest, "{text} {json}");
        // Other keys of the same paths are there or not, and never fail.
        assert_eq!(keys.lowest(document.value()), None);
        assert_eq!(keys.unit(document.value()), None);
    }
}

#[test]
fn numbers() {
    let value = "valueQuantity:Quantity, valueSampledData:SampledData";
    let many = "component*.valueQuantity:Quantity";
    let long = "u".repeat(MOST_KEY_BYTES);
    let long = format!(r#"{{"valueQuantity":{{"value":1,"system":"s","code":"{long}"}}}}"#);
    for (text, json, lowest, highest, unit) in [
        (value, "{}", "NULL", "NULL", None),
        (
            value,
            r#"{"valueQuantity":{"unit":"mg"}}"#,
            "NULL",
            "NULL",
            None,
        ),
        (
            value,
            r#"{"valueQuantity":{"value":"5"}}"#,
            "NULL",
            "NULL",
            None,
        ),
        (
            value,
            r#"{"valueQuantity":{"value":5.40,"unit":"mg"}}"#,
            "5.40",
            "5.40",
            None,
        ),
        (
            value,
            r#"{"valueQuantity":{"value":5.4,"system":"s","code":"mg"}}"#,
            "5.4",
            "5.4",
            Some("s|mg"),
        ),
        (
            value,
            r#"{"valueQuantity":{"value":5,"comparator":"<","system":"s","code":"mg"}}"#,
            "-Infinity",
            "5",
            Some("s|mg"),
        ),
        (
            value,
            r#"{"valueSampledData":{"origin":{"value":1,"system":"s","code":"mV"},"factor":0.1,"data":"1 2 U"}}"#,
            "1.1",
            "Infinity",
            Some("s|mV"),
        ),
        (
            value,
            r#"{"valueQuantity":{"value":5},"valueSampledData":{"origin":{"value":1},"data":"1"}}"#,
            "NULL",
            "NULL",
            None,
        ),
        (value, &long, "1", "1", None),
        // Of several the least and the greatest, whatever their units; no unit.
        (
            many,
            r#"{"component":[{"valueQuantity":{"value":7,"system":"s","code":"a"}},{"valueQuantity":{"value":-7,"system":"s","code":"a"}},{"valueQuantity":"x"}]}"#,
            "-7",
            "7",
            None,
        ),
        (
            many,
            r#"{"component":[{"valueQuantity":{"value":7,"system":"s","code":"a"}},{"valueQuantity":{"value":8,"system":"s","code":"a"}}]}"#,
            "7",
            "8",
            None,
        ),
        (
            many,
            r#"{"component":[{"valueQuantity":{"value":7,"system":"s","code":"a"}}]}"#,
            "7",
            "7",
            Some("s|a"),
        ),
        (
            "r:Range",
            r#"{"r":{"low":{"value":1,"system":"s","code":"a"},"high":{"value":2,"system":"s","code":"b"}}}"#,
            "1",
            "2",
            None,
        ),
        (
            "r:Range",
            r#"{"r":{"low":{"value":1,"system":"s","code":"a"},"high":{"system":"s","code":"b"}}}"#,
            "1",
            "Infinity",
            Some("s|a"),
        ),
        (
            "r:Range",
            r#"{"r":{"low":{"value":3},"high":{"value":2}}}"#,
            "NULL",
            "NULL",
            None,
        ),
        (
            "total:Money",
            r#"{"total":{"value":3,"currency":"EUR"}}"#,
            "3",
            "3",
            Some("urn:iso:std:iso:4217|EUR"),
        ),
        (
            "n*:number",
            r#"{"n":[3,1e2,"x",-0.5]}"#,
            "-0.5",
            "100",
            None,
        ),
    ] {
        let document = Document::new(json);
        let keys = paths(text);
        assert_eq!(
            shown(keys.lowest(document.value())),
            lowest,
            "{text} {json}"
        );
        assert_eq!(
            shown(keys.highest(document.value())),
            highest,
            "{text} {json}"
        );
        assert_eq!(
            keys.unit(document.value()).as_deref(),
            unit,
            "{text} {json}"
        );
        assert_eq!(keys.earliest(document.value()), None);
    }
}

#[test]
fn texts() {
    let document = Document::new(
        r##"{"name":[{"family":"Müller","given":["Ann","ANN",5,null]},7],"code":{"text":"X","coding":[{"display":"y"},{"code":"z"}]},
            "url":"http://X/a","profile":["b","a","b",5],
            "contained":[{"resourceType":"Patient","id":"p"}],"id":"1","resourceType":"Observation",
            "subject":[{"reference":"Patient/1/_history/2"},{"reference":"#p"},{"reference":"#gone"},{"reference":"http://x/Patient/1/_history/3"},
                {"reference":"Patient/1"},{"reference":5},{"display":"x"},{"reference":"#"}]}"##,
    );
    let value = || document.value();
    assert_eq!(paths("name*:HumanName").strings(value()), ["ann", "muller"]);
    assert_eq!(paths("code:CodeableConcept").strings(value()), ["x", "y"]);
    assert_eq!(paths("missing*:HumanName").strings(value()), [""; 0]);
    assert_eq!(paths("url:text").uris(value()), ["http://X/a"]);
    assert_eq!(
        paths("profile*:text, url:text").uris(value()),
        ["a", "b", "http://X/a"]
    );
    assert_eq!(
        paths("subject*:Reference").targets(value()),
        [
            "Observation/1",
            "Patient/1",
            "Patient/p",
            "http://x/Patient/1"
        ]
    );
    // What is too long is no key.
    let long = format!("http://x/{}", "a".repeat(MOST_KEY_BYTES));
    let document = Document::new(&format!(r#"{{"subject":{{"reference":"{long}"}}}}"#));
    assert_eq!(
        paths("subject:Reference").targets(document.value()),
        [""; 0]
    );
}

/// Whether the keys belong to one element.
#[test]
fn single() {
    for (text, expected) in [
        ("birthDate:date", true),
        ("effectiveDateTime:dateTime, effectivePeriod:Period", true),
        ("a.onsetAge:Age, a.onsetRange:Range", true),
        ("a.onsetAge:Age, b.onsetRange:Range", false),
        ("birthDate:date, period:Period", false),
        ("onsetAge:Age, effectivePeriod:Period", false),
        ("a*:date", false),
        (
            "a*.effectiveDateTime:dateTime, a*.effectivePeriod:Period",
            false,
        ),
        ("a*[0].b:date", false),
    ] {
        assert_eq!(paths(text).is_single(), expected, "{text}");
    }
}

/// Paths that an index could be given and that are none.
#[test]
fn malformed() {
    for text in [
        "",
        ":date",
        "a",
        "a:",
        "a:dates",
        "a:Date",
        "a.:date",
        "a:date,",
        "a:date,b:date",
        " a:date",
        "a:date ",
        "a[b]:date",
        "a[b=c]:date",
        "a*[1]:date",
        "a-b:date",
        "a:date; b:date",
    ] {
        assert!(text.parse::<Paths>().is_err(), "{text:?}");
    }
    for text in [
        "a:date",
        "a*:date, b.c*.d:Period",
        r#"telecom*[system="phone"]:ContactPoint"#,
        r#"a*[b="\"],x"].c:text"#,
        "entry*[0].resource:Resource",
    ] {
        paths(text);
    }
}
