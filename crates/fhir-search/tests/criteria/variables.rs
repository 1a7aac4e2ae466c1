//! What variables can and cannot do.

use fhir_search::{BindError, Binding};

use crate::values::{bind, one, parse, values};

fn value(variable: &str, parameter: &str, expected: &str) -> BindError {
    BindError::Value {
        variable: variable.to_owned(),
        parameter: parameter.to_owned(),
        expected: expected.to_owned(),
    }
}

#[test]
fn errors() {
    for (text, expected) in [
        (
            "Patient?gender=%nothing",
            BindError::Undefined {
                variable: "nothing".to_owned(),
            },
        ),
        (
            "Patient?gender=%org_parent_x",
            BindError::Undefined {
                variable: "org_parent_x".to_owned(),
            },
        ),
        (
            "Patient?gender=x%states",
            value("states", "gender", "one value, without a comma"),
        ),
        (
            "Patient?identifier=s|%states",
            value("states", "identifier", "one value, without a comma"),
        ),
        (
            "Patient?gender=%empty",
            value("empty", "gender", "a value that is not empty"),
        ),
        (
            "Patient?active=%state",
            value("state", "active", "true or false"),
        ),
        (
            "Patient?name=%mark",
            value(
                "mark",
                "name",
                "a text with at least one letter, digit or sign",
            ),
        ),
        (
            "Observation?subject=%evil",
            value("evil", "subject", "Type/id, an id or an absolute URL"),
        ),
        (
            "Observation?subject=Patient/%profile",
            value("profile", "subject", "Type/id, an id or an absolute URL"),
        ),
        (
            "Observation?subject=%state.id",
            value("state", "subject", "a reference, Type/id"),
        ),
        (
            "Observation?subject=%broken",
            value("broken", "subject", "a reference, Type/id"),
        ),
        (
            "Observation?subject:Patient=%profile",
            value("profile", "subject", "a reference to a Patient"),
        ),
        (
            "Patient?name=x%nul",
            value("nul", "name", "a text without NUL"),
        ),
        (
            "Patient?name=%nul",
            value(
                "nul",
                "name",
                "a list of values (a NUL character is not allowed)",
            ),
        ),
        (
            "Patient?name=%hole",
            value("hole", "name", "a list of values (a value is empty)"),
        ),
        (
            "Patient?name=%slash",
            value(
                "slash",
                "name",
                r"a list of values (\ must be followed by , | $ or \)",
            ),
        ),
    ] {
        let error = parse(text).bind(&values()).expect_err(text);
        assert_eq!(error, expected, "{text}");
    }
}

/// A variable of each kind of parameter: what it comes to.
#[test]
fn kinds() {
    for (text, variable, expected) in [
        (
            "Patient?birthdate=%x",
            "2013,ge2014-02",
            r#"date(birthDate:date) eq"2013", ge"2014-02""#,
        ),
        (
            "Patient?birthdate=ge%x",
            "2013-01-14",
            r#"date(birthDate:date) ge"2013-01-14""#,
        ),
        (
            "Patient?birthdate=2013-%x",
            "06",
            r#"date(birthDate:date) eq"2013-06""#,
        ),
        (
            "RiskAssessment?probability=le%x",
            "0.5",
            r#"number(prediction*.probabilityDecimal:number, prediction*.probabilityRange:Range) le"0.5""#,
        ),
        (
            "Observation?component-value-quantity=gt%x|s|c",
            "1",
            r#"quantity(component*.valueQuantity:Quantity, component*.valueSampledData:SampledData) gt"1"|"s"|"c""#,
        ),
        (
            "Encounter?length=%x",
            "5|s|min,6||h",
            r#"quantity(length:Duration) eq"5"|"s"|"min", eq"6"||"h""#,
        ),
        (
            "Encounter?length=5||%x",
            "a|b",
            r#"quantity(length:Duration) eq"5"||"a|b""#,
        ),
        (
            "Patient?family:exact=%x",
            r"A,b\,C",
            r#"equals(name*.family:text) "A", "b,C""#,
        ),
        (
            "Patient?family:contains=%x",
            "A",
            r#"contains(name*.family:text) "a""#,
        ),
        (
            "ValueSet?url:below=http://x/%x",
            "a/b",
            r#"below(url:text) "http://x/a/b""#,
        ),
        (
            "ValueSet?url:above=%x",
            "http://x/a",
            r#"equals(url:text) "http://x", "http://x/", "http://x/a", "http://x/a/""#,
        ),
        (
            "Observation?subject:identifier=s|%x",
            "a|b",
            r#"token(subject.identifier:Identifier) "s"|"a|b""#,
        ),
        (
            "Observation?subject:Patient=%x",
            "1,Patient/2",
            r#"reference(subject:Reference) "Patient/1", "Patient/2""#,
        ),
        (
            "Observation?component-code-value-quantity=%x$gt5",
            "s|c$1",
            r#"each(component*: token(code:CodeableConcept) "s|c$1" & quantity(valueQuantity:Quantity) gt"5")"#,
        ),
        (
            "Observation?component-code-value-quantity=s|%x$lt5|u|c,%x$1",
            "c",
            r#"each(component*: token(code:CodeableConcept) "s"|"c" & quantity(valueQuantity:Quantity) lt"5"|"u"|"c") or each(component*: token(code:CodeableConcept) "c" & quantity(valueQuantity:Quantity) eq"1")"#,
        ),
        (
            "Observation?component-code-value-quantity=%x",
            r"a\$$gt5",
            r#"each(component*: token(code:CodeableConcept) "a$" & quantity(valueQuantity:Quantity) gt"5")"#,
        ),
        (
            "DocumentReference?relationship=replaces$%x",
            "1",
            r#"each(relatesTo*: token(code:text) "replaces" & reference(target:Reference); id "1"; of "DocumentReference")"#,
        ),
        (
            "Patient?_lastUpdated=gt%x",
            "2013",
            r#"date(meta.lastUpdated:instant) gt"2013""#,
        ),
        (
            "Patient?active:missing=%x",
            "false",
            "present(active:boolean)",
        ),
        ("Patient?_id:not=%x", "a", r#"not id "a""#),
    ] {
        let found = parse(text)
            .bind(&one(variable))
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found.to_string(), expected, "{text}");
    }
}

/// Whatever is wrong with a value, the message names the variable and the parameter, and shows nothing of the value.
#[test]
fn secrets() {
    const SECRET: &str = "Zq7";
    let shapes = [
        "Zq7",
        "ge Zq7",
        "Zq7|Zq7|Zq7|Zq7",
        "Zq7,,Zq7",
        r"Zq7\Zq7",
        "Zq7\0",
        "Zq7 Zq7/Zq7",
        "Zq7/1",
        "Patientt/Zq7",
        "http://Zq7 x",
        "$Zq7",
        "Zq7$",
        "Patient/Zq7/_history/1",
        "\u{301}",
        "Group/Zq7",
        "urn:Zq7",
    ];
    let mut errors = 0;
    for template in [
        "Patient?_id=%x",
        "Patient?_id=a%x",
        "Patient?_id=%x.id",
        "Patient?_project=%x",
        "Patient?_compartment=%x",
        "Patient?birthdate=%x",
        "Patient?birthdate=ge%x",
        "Patient?_lastUpdated=2013-%x",
        "Patient?active=%x",
        "Patient?active:missing=%x",
        "Patient?deceased=%x",
        "Patient?gender=%x",
        "Patient?identifier=%x",
        "Patient?identifier=a|%x",
        "Patient?identifier:text=%x",
        "Patient?name=%x",
        "Patient?name:contains=%x",
        "Patient?name:exact=%x",
        "Patient?general-practitioner=%x",
        "Patient?general-practitioner:Practitioner=%x",
        "Patient?general-practitioner:identifier=%x",
        "RiskAssessment?probability=%x",
        "RiskAssessment?probability=ge%x",
        "Observation?value-quantity=%x",
        "Observation?value-quantity=%x|a|b",
        "ValueSet?url:above=%x",
        "ValueSet?url:below=%x",
        "Observation?code-value-quantity=%x",
        "Observation?code-value-quantity=%x$%x",
        "Observation?code-value-quantity=a$%x",
        "Observation?code-value-date=a$ge%x",
        "DocumentReference?relationship=%x",
        "DocumentReference?relationship=replaces$%x",
        "MolecularSequence?chromosome-variant-coordinate=a$%x$1",
    ] {
        let criteria = parse(template);
        for shape in shapes {
            for binding in [
                Binding::String(shape.to_owned()),
                Binding::Reference(shape.to_owned()),
            ] {
                let Err(error) = criteria.bind(&crate::values::Values::of([("x", binding)])) else {
                    continue;
                };
                let text = error.to_string();
                assert!(!text.contains(SECRET), "{template} with {shape}: {text}");
                assert!(text.contains("%x"), "{template} with {shape}: {text}");
                errors += 1;
            }
        }
    }
    assert!(errors > 300, "{errors}");
}

/// Variables that occur in criteria are known before they are bound.
#[test]
fn names() {
    let criteria = parse(
        "Observation?code-value-quantity=%b|%a$gt%c||%b&date=ge%from,%to&subject=Patient/%p.id",
    );
    let names: Vec<&str> = criteria.variables().collect();
    assert_eq!(names, ["b", "a", "c", "from", "to", "p"]);
    assert_eq!(parse("Patient?birthdate=2013").variables().count(), 0);
    // What a variable holds is never read as criteria again.
    assert_eq!(
        bind("Patient?name=%evil").to_string(),
        r#"starts(name*:HumanName) "x&_id=1""#
    );
}

/// Made-up values show the form that bound criteria have.
#[test]
fn samples() {
    for (text, expected) in [
        ("Observation?_id=%x", r#"id "example""#),
        (
            "Condition?encounter=%x",
            r#"reference(encounter:Reference) "Patient/example""#,
        ),
        (
            "Bundle?composition=%x",
            r#"reference(entry*[0].resource:Resource); id "example"; of "Composition""#,
        ),
        (
            "Observation?subject=Group/%x",
            r#"reference(subject:Reference) "Group/example""#,
        ),
        (
            "Patient?birthdate=ge%x",
            r#"date(birthDate:date) ge"2000-01-01""#,
        ),
        (
            "Patient?birthdate=2013-%x",
            r#"date(birthDate:date) eq"2013-01""#,
        ),
        (
            "Patient?_lastUpdated=gt2013-01-14T%x",
            r#"date(meta.lastUpdated:instant) gt"2013-01-14T10:00""#,
        ),
        ("Patient?active=%x", r#"token(active:boolean) "true""#),
        (
            "ResearchStudy?progress-status-state-period-actual=%x",
            r#"each(progressStatus*: token(state:CodeableConcept) "example" & date(period:Period) eq"2000" & token(actual:boolean) "true")"#,
        ),
        (
            "Patient?gender=male&birthdate=2013-01-0%x",
            r#"token(gender:text) "male" and date(birthDate:date) eq"2013-01-01""#,
        ),
        // Nothing fits: the condition is left out.
        (
            "Patient?gender=male&birthdate=2013-01-14T1%x:0",
            r#"token(gender:text) "male""#,
        ),
        ("Patient?_id=1", r#"id "1""#),
        (
            "Condition?patient=Group/1",
            r#"reference(subject:Reference) "Group/1"; of "Patient""#,
        ),
    ] {
        let criteria = parse(text);
        let found = criteria.sample_for(criteria.resource_type(), "example");
        assert_eq!(found.to_string(), expected, "{text}");
    }
}
