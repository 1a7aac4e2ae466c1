//! Work that grows with the document is paid for in steps: what a few steps of the expression make of a large document
//! must not be free. The documents are made so that each of these ran for seconds on the default steps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fhirpath::{Context, Expression, Fault, Limits};
use jsonb::{Value, from_json};

/// Whether the expression takes more than so many steps.
fn takes_more_than(steps: u64, expression: &str, document: &str) -> bool {
    let bytes = from_json(document).expect("JSON");
    let context = Context::new(Value::parse(&bytes).ok()).steps(steps);
    let expression = Expression::new(expression, &Limits::default()).expect(expression);
    match expression.evaluate(&context) {
        Ok(_) => false,
        Err(error) if *error.fault() == Fault::Budget => true,
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn costs_about(steps: u64, expression: &str, document: &str) {
    assert!(
        takes_more_than(steps / 2, expression, document),
        "{expression} costs too little"
    );
    assert!(
        !takes_more_than(steps * 2, expression, document),
        "{expression} costs too much"
    );
}

#[test]
fn items_that_are_only_passed_on() {
    let values = vec![r#"{"valueInteger": 1}"#; 1_000].join(",");
    let document = format!(r#"{{"resourceType": "Observation", "component": [{values}]}}"#);
    let chain = format!("component.value{}", ".ofType(integer)".repeat(50));
    costs_about(53_000, &chain, &document);
}

#[test]
fn long_strings_and_names_in_the_document() {
    let long = "x".repeat(1 << 20);
    let document = format!(
        r#"{{"resourceType": "Observation", "text": {{"div": "{long}"}}, "valueString": "{long}", "value{long}": 1,
            "_status": "{long}", "status": "final",
            "contained": [{{"resourceType": "Observation", "text": {{"div": ""}}}},
                          {{"resourceType": "Unknown", "{long}": 1}}]}}"#
    );
    // Comparing takes a step for 64 bytes, reading one for 1,024.
    costs_about(16_000, "text = contained.text", &document);
    costs_about(16_000, "text in contained.text", &document);
    costs_about(
        16_000,
        "text ~ text",
        &document.replace(&long, &long[..1 << 18]),
    );
    costs_about(1_024, "value.exists()", &document);
    costs_about(1_024, "status.exists()", &document);
    costs_about(1_024, "contained[1].children().count()", &document);
    costs_about(2_000, "contained[1] in contained[1]", &document);
    costs_about(40_000, "contained[1] | contained[1]", &document);
    // A name that no element has costs nothing to skip.
    let document = document.replace(&format!(r#""valueString": "{long}","#), "");
    assert!(!takes_more_than(16, "value.exists()", &document));
}

#[test]
fn long_numbers() {
    let digits = "9".repeat(900);
    let document = format!(
        r#"{{"resourceType": "Observation", "valueQuantity": {{"value": {digits}.{digits}}}}}"#
    );
    costs_about(2_000, "-value.value", &document);
    costs_about(2_000, "value.value.hasValue()", &document);
    costs_about(2_000, "value.value.getValue()", &document);
}

#[test]
fn texts_whose_case_is_looked_up() {
    let text = "É".repeat(16_000);
    let document =
        format!(r#"{{"resourceType": "Observation", "status": "final", "valueString": "{text}"}}"#);
    costs_about(2_000, "value ~ value", &document);
    assert!(!takes_more_than(1_200, "value ~ status", &document));
}

#[test]
fn extensions_of_a_long_url() {
    let url = "x".repeat(32_000);
    let extensions = vec![format!(r#"{{"url": "{url}"}}"#); 10].join(",");
    let document = format!(r#"{{"resourceType": "Patient", "extension": [{extensions}]}}"#);
    costs_about(5_000, &format!("extension('{url}').count()"), &document);
}
