//! Number parameters.

use bigdecimal::BigDecimal;

use crate::support::ranges::{PREFIXES, Range, number_holds};
use crate::support::{Checked, Document, check, predicate};

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

pub const NUMBERS: [&str; 26] = [
    "0",
    "0.0",
    "-0.05",
    "0.05",
    "100",
    "100.0",
    "100.00",
    "99.5",
    "100.5",
    "99.995",
    "100.005",
    "100.4999999999999999999999999",
    "1e2",
    "1.0e2",
    "1.00e2",
    "95",
    "105",
    "104.9",
    "90",
    "110",
    "-100",
    "-5.4",
    "5.40e-3",
    "0.005395",
    "0.005405",
    "123456789012345678901234567890.5",
];

fn number(text: &str) -> BigDecimal {
    text.parse().unwrap()
}

/// Points and ranges, for three parameters: of several numbers or ranges, of one number, of one number or range.
fn stored() -> Vec<(Document, Range<BigDecimal>, bool)> {
    let mut stored = Vec::new();
    for text in NUMBERS {
        let point = Range {
            low: Some(number(text)),
            high: Some(number(text)),
        };
        let json = format!(
            r#"{{"prediction":[{{"probabilityDecimal":{text}}}],"factorOverride":{text},"onsetAge":{{"value":{text}}}}}"#
        );
        stored.push((Document::new(&json), point, true));
    }
    for low in NUMBERS.iter().step_by(4) {
        let open = [
            (
                format!(r#"{{"low":{{"value":{low}}}}}"#),
                Range {
                    low: Some(number(low)),
                    high: None,
                },
            ),
            (
                format!(r#"{{"high":{{"value":{low}}}}}"#),
                Range {
                    low: None,
                    high: Some(number(low)),
                },
            ),
        ];
        let closed = NUMBERS
            .iter()
            .step_by(5)
            .filter(|high| number(low) <= number(high));
        let closed = closed.map(|high| {
            (
                format!(r#"{{"low":{{"value":{low}}},"high":{{"value":{high}}}}}"#),
                Range {
                    low: Some(number(low)),
                    high: Some(number(high)),
                },
            )
        });
        for (json, range) in open.into_iter().chain(closed) {
            let json =
                format!(r#"{{"prediction":[{{"probabilityRange":{json}}}],"onsetRange":{json}}}"#);
            stored.push((Document::new(&json), range, false));
        }
    }
    stored
}

/// Every prefix of every number on every number and range.
#[test]
fn all_pairs() {
    let documents = stored();
    let mut held = 0;
    for asked in NUMBERS {
        for prefix in PREFIXES {
            let of = |name: &str| Checked::new(&predicate(&format!("{name}={prefix}{asked}")));
            let probability = of("RiskAssessment?probability");
            let factor = of("ChargeItem?factor-override");
            let onset = of("Condition?onset-age");
            for (document, range, is_point) in &documents {
                let expected = number_holds(prefix, asked, range);
                assert_eq!(
                    probability.holds(document),
                    Some(expected),
                    "{prefix}{asked} on {}",
                    document.json
                );
                assert_eq!(onset.holds(document), Some(expected), "{prefix}{asked}");
                if *is_point {
                    assert_eq!(factor.holds(document), Some(expected), "{prefix}{asked}");
                }
                held += usize::from(expected);
            }
        }
    }
    assert!(held > 4_000, "{held}");
}

/// Every prefix on several elements: one that fits is enough, and the keys are of all of them.
#[test]
fn of_several() {
    let numbers = ["1", "5", "5.4", "9"];
    let mut documents = Vec::new();
    for one in numbers {
        for other in numbers {
            let (point, value) = (number(one), number(other));
            let point = Range {
                low: Some(point.clone()),
                high: Some(point),
            };
            let open = Range {
                low: None,
                high: Some(value.clone()),
            };
            let closed = Range {
                low: Some(value.clone()),
                high: Some(value),
            };
            for (range, json) in [
                (closed, format!(r#"{{"probabilityDecimal":{other}}}"#)),
                (
                    open,
                    format!(r#"{{"probabilityRange":{{"high":{{"value":{other}}}}}}}"#),
                ),
            ] {
                let json = format!(
                    r#"{{"prediction":[{{"probabilityDecimal":{one}}},{json}],"variant":[{{"start":{one}}},{{"start":{other}}}]}}"#
                );
                documents.push((Document::new(&json), [point.clone(), range]));
            }
        }
    }
    for asked in numbers {
        for prefix in PREFIXES {
            let of = |name: &str| Checked::new(&predicate(&format!("{name}={prefix}{asked}")));
            let probability = of("RiskAssessment?probability");
            let start = of("MolecularSequence?variant-start");
            for (document, ranges) in &documents {
                let expected = ranges
                    .iter()
                    .any(|range| number_holds(prefix, asked, range));
                assert_eq!(
                    probability.holds(document),
                    Some(expected),
                    "{prefix}{asked} on {}",
                    document.json
                );
                let points = ["/variant/0/start", "/variant/1/start"].map(|at| {
                    let value = number(&document.json.pointer(at).unwrap().to_string());
                    Range {
                        low: Some(value.clone()),
                        high: Some(value),
                    }
                });
                let expected = points
                    .iter()
                    .any(|range| number_holds(prefix, asked, range));
                assert_eq!(start.holds(document), Some(expected), "{prefix}{asked}");
            }
        }
    }
}

/// The examples of R4's search page, and the edges of each range.
#[test]
fn specification() {
    for (asked, stored, expected) in [
        ("100", "99.5", YES),
        ("100", "99.49", NO),
        ("100", "100.49", YES),
        ("100", "100.5", NO),
        ("100.00", "99.995", YES),
        ("100.00", "99.99", NO),
        ("100.00", "100.005", NO),
        ("1e2", "95", YES),
        ("1e2", "104.99", YES),
        ("1e2", "105", NO),
        ("lt100", "99.9", YES),
        ("lt100", "100", NO),
        ("le100", "100", YES),
        ("le100", "100.1", NO),
        ("gt100", "100.1", YES),
        ("gt100", "100", NO),
        ("ge100", "100", YES),
        ("ge100", "99.9", NO),
        ("ne100", "100.3", NO),
        ("ne100", "100.5", YES),
        ("sa100", "100", NO),
        ("sa100", "100.01", YES),
        ("eb100", "100", NO),
        ("eb100", "99.99", YES),
        ("ap100", "90", YES),
        ("ap100", "110", YES),
        ("ap100", "110.01", NO),
        ("ap-100", "-90", YES),
        ("ap-100", "-110.1", NO),
        ("ap0", "0", YES),
        ("ap0", "0.001", NO),
        ("0", "0.49", YES),
        ("-1", "-1.5", YES),
        ("-1", "-0.5", NO),
        ("1,5", "5", YES),
        ("1,5", "3", NO),
        ("ne1,ne5", "1", YES),
        // Exactly, whatever floating point would say.
        ("0.3", "0.30000000000000004", YES),
        ("0.30000000000000000", "0.30000000000000004", NO),
        ("gt0.1", "0.1000000000000000000000000000001", YES),
        ("gt1e1000", "1e300", NO),
        ("lt1e1000", "1e300", YES),
        ("lt1e-1000", "0", YES),
    ] {
        let json = format!(r#"{{"factorOverride":{stored}}}"#);
        check(
            "ChargeItem",
            &[(&format!("factor-override={asked}"), &json, expected)],
        );
    }
}

#[test]
fn odd_documents() {
    for asked in ["1", "ne1", "gt0", "lt100", "ap1"] {
        let text = format!("factor-override={asked}");
        for stored in [r#""1""#, "true", "[]", "[1]", r#"{"value":1}"#] {
            let json = format!(r#"{{"factorOverride":{stored}}}"#);
            check("ChargeItem", &[(&text, &json, None)]);
        }
        for json in ["{}", r#"{"factorOverride":null}"#] {
            check("ChargeItem", &[(&text, json, NO)]);
        }
    }
    check(
        "ChargeItem",
        &[
            ("factor-override:missing=true", "{}", YES),
            (
                "factor-override:missing=false",
                r#"{"factorOverride":1}"#,
                YES,
            ),
            (
                "factor-override:missing=true",
                r#"{"factorOverride":"1"}"#,
                None,
            ),
            ("factor-override:not=1", "{}", YES),
            ("factor-override:not=1", r#"{"factorOverride":2}"#, YES),
            ("factor-override:not=1", r#"{"factorOverride":1.2}"#, NO),
            ("factor-override:not=1", r#"{"factorOverride":"2"}"#, None),
        ],
    );
}

#[test]
fn ranges() {
    let of = |range: &str| format!(r#"{{"prediction":[{{"probabilityRange":{range}}}]}}"#);
    for (asked, range, expected) in [
        (
            "0.5",
            r#"{"low":{"value":0.45},"high":{"value":0.54}}"#,
            YES,
        ),
        ("0.5", r#"{"low":{"value":0.45},"high":{"value":0.55}}"#, NO),
        (
            "ge0.5",
            r#"{"low":{"value":0.1},"high":{"value":0.6}}"#,
            YES,
        ),
        ("ge0.5", r#"{"low":{"value":0.1},"high":{"value":0.5}}"#, NO),
        (
            "ge0.5",
            r#"{"low":{"value":0.5},"high":{"value":0.5}}"#,
            YES,
        ),
        // One with neither end is no element.
        ("ne0.5", "{}", NO),
        ("ne0.5", r#"{"low":null}"#, NO),
        ("ne0.5", r#"{"low":{"unit":"x"},"high":{}}"#, NO),
        ("gt0.5", r#"{"low":{"value":0},"high":{"unit":"x"}}"#, YES),
        // One whose low is above its high is unknown.
        ("gt0", r#"{"low":{"value":2},"high":{"value":1}}"#, None),
        ("gt0", r#"{"low":5}"#, None),
        ("gt0", r#"{"low":{"value":"5"}}"#, None),
        ("gt0", "5", None),
        ("gt0", "[5]", None),
    ] {
        check(
            "RiskAssessment",
            &[(&format!("probability={asked}"), &of(range), expected)],
        );
    }
    // Of several, one that fits decides.
    check(
        "RiskAssessment",
        &[
            (
                "probability=0.5",
                r#"{"prediction":[{"probabilityDecimal":"x"},{"probabilityDecimal":0.5}]}"#,
                YES,
            ),
            (
                "probability=0.5",
                r#"{"prediction":[{"probabilityDecimal":"x"},{"probabilityDecimal":0.7}]}"#,
                None,
            ),
            (
                "probability=0.5",
                r#"{"prediction":[{"probabilityDecimal":0.1},{"probabilityDecimal":0.9}]}"#,
                NO,
            ),
            (
                "probability=sa0.5",
                r#"{"prediction":[{"probabilityDecimal":0.1},{"probabilityDecimal":0.9}]}"#,
                YES,
            ),
            (
                "probability=0.5",
                r#"{"prediction":{"probabilityDecimal":0.5}}"#,
                None,
            ),
        ],
    );
}
