//! Date parameters.

use serde_json::{Value, json};

use crate::support::ranges::{PREFIXES, Range, date, date_holds, period};
use crate::support::{Checked, Document, check, predicate};

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

const DATES: [&str; 22] = [
    "2012",
    "2013",
    "2014",
    "2013-01",
    "2013-02",
    "2012-12",
    "2013-01-14",
    "2013-01-13",
    "2013-12-31",
    "2013-01-14T10:00",
    "2013-01-14T10:00Z",
    "2013-01-14T10:00:00Z",
    "2013-01-14T10:00:59Z",
    "2013-01-14T00:00:00Z",
    "2013-01-14T23:59:59.9Z",
    "2013-01-14T10:00:00.000Z",
    "2013-01-14T10:00:00.250+01:00",
    "2013-01-14T12:00:00+02:00",
    "2013-01-13T23:30:00-05:30",
    "2013-01-15T00:00:00+14:00",
    "0001-01-01",
    "9999",
];

/// Every prefix of every date on every date and every period between two of them.
#[test]
fn all_pairs() {
    let mut stored: Vec<(Value, Range<_>)> = DATES
        .iter()
        .map(|text| (json!({ "effectiveDateTime": text }), date(text)))
        .collect();
    for start in DATES.iter().step_by(3) {
        stored.push((
            json!({"effectivePeriod": {"start": start}}),
            period(Some(start), None),
        ));
        stored.push((
            json!({"effectivePeriod": {"end": start}}),
            period(None, Some(start)),
        ));
        for end in DATES.iter().step_by(4) {
            let range = period(Some(start), Some(end));
            if range.low < range.high {
                stored.push((
                    json!({"effectivePeriod": {"start": start, "end": end}}),
                    range,
                ));
            }
        }
    }
    let documents: Vec<(Document, Range<_>)> = stored
        .into_iter()
        .map(|(json, range)| (Document::new(&json.to_string()), range))
        .collect();
    let mut held = 0;
    for asked in DATES {
        for prefix in PREFIXES {
            let text = format!("Observation?date={prefix}{}", asked.replace('+', "%2B"));
            let found = Checked::new(&predicate(&text));
            for (document, range) in &documents {
                let expected = date_holds(prefix, asked, range);
                assert_eq!(
                    found.holds(document),
                    Some(expected),
                    "{text} on {}",
                    document.json
                );
                held += usize::from(expected);
            }
        }
    }
    assert!(held > 3_000, "{held}");
}

/// Every prefix on several elements: one that fits is enough, and the keys are of all of them.
#[test]
fn of_several() {
    let dates = ["2012", "2013", "2013-01-14", "2014", "2014-05"];
    let mut documents = Vec::new();
    for one in dates {
        for other in dates {
            for open in [false, true] {
                let ranges = [
                    period(Some(one), Some(one)),
                    period(Some(other).filter(|_| !open), Some(other)),
                ];
                let mut second = json!({"start": other, "end": other});
                if open {
                    second["start"] = Value::Null;
                }
                let json = json!({"activity": [
                    {"detail": {"scheduledPeriod": {"start": one, "end": one}}},
                    {"detail": {"scheduledPeriod": second}},
                ]});
                documents.push((Document::new(&json.to_string()), ranges));
            }
        }
    }
    for asked in dates {
        for prefix in PREFIXES {
            let text = format!("CarePlan?activity-date={prefix}{asked}");
            let found = Checked::new(&predicate(&text));
            for (document, ranges) in &documents {
                let expected = ranges.iter().any(|range| date_holds(prefix, asked, range));
                assert_eq!(
                    found.holds(document),
                    Some(expected),
                    "{text} on {}",
                    document.json
                );
            }
        }
    }
}

/// The examples of R4's search page.
#[test]
fn specification() {
    let from_21_january = r#"{"effectivePeriod":{"start":"2013-01-21"}}"#;
    let from_15_march = r#"{"effectivePeriod":{"start":"2013-03-15"}}"#;
    let until_13_march = r#"{"effectivePeriod":{"end":"2013-03-13"}}"#;
    let midnight = r#"{"effectiveDateTime":"2013-01-14T00:00"}"#;
    let ten = r#"{"effectiveDateTime":"2013-01-14T10:00"}"#;
    let day = r#"{"effectiveDateTime":"2013-01-14"}"#;
    check(
        "Observation",
        &[
            ("date=eq2013-01-14", midnight, YES),
            ("date=eq2013-01-14", ten, YES),
            (
                "date=eq2013-01-14",
                r#"{"effectiveDateTime":"2013-01-15T00:00"}"#,
                NO,
            ),
            (
                "date=ne2013-01-14",
                r#"{"effectiveDateTime":"2013-01-15T00:00"}"#,
                YES,
            ),
            ("date=ne2013-01-14", midnight, NO),
            ("date=lt2013-01-14T10:00", day, YES),
            ("date=gt2013-01-14T10:00", day, YES),
            ("date=ge2013-03-14", from_21_january, YES),
            ("date=le2013-03-14", from_21_january, YES),
            ("date=sa2013-03-14", from_15_march, YES),
            ("date=sa2013-03-14", from_21_january, NO),
            ("date=eb2013-03-14", until_13_march, YES),
            ("date=eb2013-03-14", from_21_january, NO),
            ("date=ap2013-03-14", from_21_january, YES),
            ("date=2013-01-14,2013-03-14", day, YES),
            ("date=ge2013-01-14&date=lt2013-01-15", day, YES),
            ("date=ge2013-01-14&date=lt2013-01-14", day, NO),
        ],
    );
}

#[test]
fn text() {
    let second_60 = r#"{"birthDate":"2016-12-31T23:59:60Z"}"#;
    let micro = r#"{"birthDate":"2013-01-14T10:00:00.1234567Z"}"#;
    check(
        "Patient",
        &[
            // Second 60 is the first of the next minute.
            ("birthdate=2017-01-01T00:00:00Z", second_60, YES),
            ("birthdate=2016", second_60, NO),
            ("birthdate=2016-12-31T23:59:60Z", second_60, YES),
            // Fractions beyond microseconds are cut.
            ("birthdate=2013-01-14T10:00:00.123456Z", micro, YES),
            ("birthdate=2013-01-14T10:00:00.1234569999Z", micro, YES),
            ("birthdate=2013-01-14T10:00:00.123457Z", micro, NO),
            ("birthdate=2013-01-14T10:00:00.12Z", micro, YES),
            ("birthdate=2013-01-14T10:00:00.120Z", micro, NO),
            // The longest range that is a point: a leap year, compared with its last day.
            (
                "_lastUpdated=gt2012-12-31T10:00",
                r#"{"meta":{"lastUpdated":"2012"}}"#,
                YES,
            ),
            (
                "_lastUpdated=ge2012-12-31T10:00",
                r#"{"meta":{"lastUpdated":"2012"}}"#,
                YES,
            ),
            // Zones at their ends.
            (
                "_lastUpdated=2013-01-15T00:00Z",
                r#"{"meta":{"lastUpdated":"2013-01-14T10:00:00-14:00"}}"#,
                YES,
            ),
            (
                "_lastUpdated=2013-01-13T20:00Z",
                r#"{"meta":{"lastUpdated":"2013-01-14T10:00:00+14:00"}}"#,
                YES,
            ),
            // No zone means UTC.
            (
                "birthdate=2013-01-14T10:00",
                r#"{"birthDate":"2013-01-14T12:00:00+02:00"}"#,
                YES,
            ),
            (
                "birthdate=2013-01-14T12:00:00%2B02:00",
                r#"{"birthDate":"2013-01-14T10:00:00Z"}"#,
                YES,
            ),
            (
                "birthdate=2013-01-14T12:00:00+02:00",
                r#"{"birthDate":"2013-01-14T10:00:00Z"}"#,
                YES,
            ),
            ("birthdate=2000-02-29", r#"{"birthDate":"2000-02-29"}"#, YES),
            (
                "birthdate=lt0001-01-02",
                r#"{"birthDate":"0001-01-01"}"#,
                YES,
            ),
            (
                "birthdate=9999",
                r#"{"birthDate":"9999-12-31T23:59:59Z"}"#,
                YES,
            ),
            ("birthdate=gt9999", r#"{"birthDate":"9999-12-31"}"#, NO),
        ],
    );
}

/// What is no date is unknown, and no element is not a date.
#[test]
fn odd_documents() {
    for stored in [
        r#""soon""#,
        r#""1990-13""#,
        r#""1990-02-30""#,
        r#""""#,
        r#""1990-01-01T10:00:00 Z""#,
        "1990",
        "true",
        r#"{"start":"1990"}"#,
        r#"["1990"]"#,
        r#""0000""#,
    ] {
        let json = format!(r#"{{"birthDate":{stored}}}"#);
        for asked in ["1990", "ne1990", "lt9999", "gt0001", "ap1990"] {
            check("Patient", &[(&format!("birthdate={asked}"), &json, None)]);
        }
    }
    for json in [
        "{}",
        r#"{"birthDate":null}"#,
        r#"{"_birthDate":{"id":"x"}}"#,
    ] {
        for asked in ["1990", "ne1990", "lt9999", "gt0001", "ap1990"] {
            check("Patient", &[(&format!("birthdate={asked}"), json, NO)]);
        }
        check(
            "Patient",
            &[
                ("birthdate:not=1990", json, YES),
                ("birthdate:missing=true", json, YES),
                ("birthdate:missing=false", json, NO),
            ],
        );
    }
    check(
        "Patient",
        &[
            ("birthdate:missing=false", r#"{"birthDate":"1990"}"#, YES),
            ("birthdate:not=1990", r#"{"birthDate":"1990-05"}"#, NO),
            ("birthdate:not=1990", r#"{"birthDate":"1991"}"#, YES),
            ("birthdate:not=1990", r#"{"birthDate":"soon"}"#, None),
            ("birthdate=1990", "[]", None),
        ],
    );
}

/// A choice with more than one member, which FHIR forbids, is unknown; one of several elements decides.
#[test]
fn several() {
    let both = r#"{"effectiveDateTime":"2013","effectivePeriod":{"start":"2013"}}"#;
    let wrong = r#"{"effectiveDateTime":"2013","effectivePeriod":"x"}"#;
    check(
        "Observation",
        &[
            ("date=2013", both, None),
            ("date=ne2013", both, None),
            ("date=gt2000", both, None),
            ("date=2013", wrong, None),
            ("date:missing=false", both, YES),
            (
                "date=2013",
                r#"{"effectiveDateTime":"2013","effectivePeriod":null}"#,
                YES,
            ),
            (
                "date=2013",
                r#"{"effectiveDateTime":"2013","effectivePeriod":[]}"#,
                None,
            ),
            (
                "date=2013",
                r#"{"effectiveInstant":"2013-01-14T10:00:00Z"}"#,
                YES,
            ),
        ],
    );
    for (asked, dates, expected) in [
        ("2013", r#"["2012","2013"]"#, YES),
        ("2013", r#"["soon","2013"]"#, YES),
        ("2013", r#"["soon","2012"]"#, None),
        ("ne2013", r#"["2012","2013"]"#, YES),
        ("ne2013", r#"["2013","2013-05"]"#, NO),
        // No single element is before and after.
        ("sa2013", r#"["2012","2013"]"#, NO),
        ("eb2013", r#"["2013","2014"]"#, NO),
        ("ap2013", r#"["2012","2014"]"#, NO),
        ("2013", r#"["2012","2014"]"#, NO),
        ("ge2013", r#"["2012","2013-05"]"#, YES),
        ("ge2013", r#"["2012-12"]"#, NO),
    ] {
        let items: Vec<Value> = serde_json::from_str::<Vec<Value>>(dates)
            .unwrap()
            .into_iter()
            .map(|date| json!({"detail": {"scheduledPeriod": {"start": date, "end": date}}}))
            .collect();
        let json = json!({ "activity": items }).to_string();
        check(
            "CarePlan",
            &[(&format!("activity-date={asked}"), &json, expected)],
        );
    }
}
