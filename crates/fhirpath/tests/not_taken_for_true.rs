//! What a careless or hostile document must not make of a condition: references that look alike, and booleans that
//! are not there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shown;

use fhirpath::{Context, Expression, Limits, Variable, Verdict};
use jsonb::{Value, from_json};
use shown::{table, value};

fn expression(text: &str) -> Expression {
    Expression::new(text, &Limits::default()).expect(text)
}

const REFERENCES: &str = r##"{"resourceType": "Patient", "contained": {"resourceType": "Organization", "id": "o", "name": "Acme"},
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [{"reference": "Practitioner/a/_history/b"}, {"reference": "Practitioner/a"},
        {"reference": "Practitioner/b"}, {"reference": "https://host/fhir/Practitioner/a"}, {"reference": "Organization/a"},
        {"type": "Practitioner", "identifier": {"value": "7"}}, {"type": "Practitioner", "identifier": {"value": "8"}},
        {"type": "Practitioner", "reference": "urn:uuid:4711"}, {"type": "Practitioner", "reference": "urn:uuid:4711"},
        {"reference": "Practitioner?identifier=Patient/a"}, {"reference": "Practitioner/a#Patient/b"}]}"##;

#[test]
fn an_id_is_that_of_the_resource() {
    table(
        REFERENCES,
        &[
            ("generalPractitioner.take(2).resolve().id", r#""a" "a""#),
            ("generalPractitioner[3].resolve().id", r#""a""#),
            ("generalPractitioner.skip(5).resolve().count()", "4"),
            ("generalPractitioner.skip(5).resolve().id", ""),
            ("generalPractitioner.skip(9).resolve()", ""),
            ("managingOrganization.resolve().name", r#""Acme""#),
        ],
    );
}

#[test]
fn references_are_the_same_resource_only_where_they_say_so() {
    let resolved = |at: usize| format!("generalPractitioner[{at}].resolve()");
    for (left, right, equal) in [
        (1, 1, "true"),
        (7, 8, "true"),
        (1, 2, "false"),
        (0, 2, "false"),
        (3, 2, "false"),
        (1, 4, "false"),
        // Another version, another server, or no reference at all.
        (0, 1, ""),
        (1, 3, ""),
        (5, 6, ""),
        (5, 5, ""),
        (1, 7, ""),
    ] {
        let (left, right) = (resolved(left), resolved(right));
        let answer = value(&format!("{left} = {right}"), REFERENCES);
        assert_eq!(answer, equal, "{left} = {right}");
        let not = value(&format!("({left} != {right}).not()"), REFERENCES);
        assert_eq!(not, equal, "{left} != {right}");
        let equivalent = value(&format!("{left} ~ {right}"), REFERENCES);
        assert_eq!(equivalent == "true", equal == "true", "{left} ~ {right}");
    }
}

#[test]
fn a_boolean_with_extensions_only_is_unknown() {
    let document = r#"{"resourceType": "Patient",
        "_active": {"extension": [{"url": "http://x", "valueCode": "unknown"}]},
        "_birthDate": {"extension": [{"url": "http://x", "valueCode": "unknown"}]}}"#;
    table(
        document,
        &[
            ("active.exists()", "true"),
            ("active and true", ""),
            ("active or true", "true"),
            ("active or false", ""),
            ("active implies false", ""),
            ("true implies active", ""),
            ("active.not()", ""),
            ("active.exists() implies active", ""),
            ("Patient.where(active)", ""),
            ("Patient.exists(active)", "false"),
            ("Patient.all(active)", "false"),
            ("iif(active, 1, 2)", "2"),
            ("birthDate and true", "true"),
            ("birthDate < @2000", ""),
            ("birthDate + 1 day", ""),
        ],
    );
    let bytes = from_json(document).expect("JSON");
    let context = Context::new(Value::parse(&bytes).ok());
    assert_eq!(expression("active").verdict(&context), Verdict::Empty);
}

#[test]
fn primitives_without_a_value_differ_by_their_extensions() {
    let contact = |date: &str, code: &str| {
        format!(r#"{{"{date}": {{"extension": [{{"url": "http://x", "valueCode": "{code}"}}]}}}}"#)
    };
    let document = format!(
        r#"{{"resourceType": "Patient", "telecom": [{{"period": {}}}, {{"period": {}}}, {{"period": {}}}]}}"#,
        contact("_start", "a"),
        contact("_start", "b"),
        contact("_end", "a"),
    );
    table(
        &document,
        &[
            ("telecom[0].period.start = telecom[1].period.start", "false"),
            ("telecom[0].period.start ~ telecom[1].period.start", "false"),
            ("telecom[0].period.start = telecom[2].period.end", "true"),
            ("telecom.period.start.distinct().count()", "2"),
        ],
    );
}

#[test]
fn amounts_without_a_number_to_compare_with() {
    let none = "error: a Quantity without a number, with a comparator, or with a unit that is not UCUM has no value to \
                compute with";
    let wrong = "error: an element that should hold Quantity holds something else";
    for (quantity, expected) in [
        (r#""value": 5, "code": "mg""#, "true"),
        (r#""value": 5, "unit": "mg""#, "true"),
        (
            r#""value": 5, "unit": "mg", "system": "http://unitsofmeasure.org""#,
            "true",
        ),
        (r#""value": 5, "code": "mg", "comparator": "<""#, none),
        (r#""value": 5, "code": "mg", "system": "http://x""#, none),
        (r#""code": "mg""#, none),
        (r#""value": "5", "code": "mg""#, wrong),
        (r#""value": 5, "code": ["mg"]"#, wrong),
        (r#""value": 5, "code": 1, "unit": "mg""#, wrong),
        (r#""value": 5, "code": "mg", "system": {}"#, wrong),
    ] {
        let document =
            format!(r#"{{"resourceType": "Observation", "valueQuantity": {{{quantity}}}}}"#);
        table(&document, &[("value <= 0.01 'g'", expected)]);
    }
}

#[test]
fn a_contained_resource_is_that_of_the_same_document() {
    let document = |active: bool, id: &str| {
        let organization =
            format!(r#"{{"resourceType": "Organization", "id": "{id}", "active": {active}}}"#);
        let reference = format!(r##"{{"reference": "#{id}"}}"##);
        let patient = format!(
            r#"{{"resourceType": "Patient", "contained": [{organization}], "managingOrganization": {reference}}}"#
        );
        from_json(&patient).expect("JSON")
    };
    let (stored, new) = (document(true, "o"), document(false, "o"));
    let other = document(true, "p");
    let (stored, new) = (Value::parse(&stored).ok(), Value::parse(&new).ok());
    let context = Context::new(new)
        .variable("state", Variable::Text("CA"))
        .variable("before", Variable::Document(stored))
        .variable("after", Variable::Document(new))
        .variable("other", Variable::Document(Value::parse(&other).ok()))
        .variable("none", Variable::Document(None));
    for (text, verdict) in [
        (
            "%before.managingOrganization.resolve().active",
            Verdict::True,
        ),
        (
            "%after.managingOrganization.resolve().active",
            Verdict::False,
        ),
        ("managingOrganization.resolve().active", Verdict::False),
        (
            "%other.managingOrganization.resolve().active",
            Verdict::True,
        ),
        (
            "%before.managingOrganization.reference.resolve().active",
            Verdict::True,
        ),
        // A string of the expression is taken for one of the resource at hand.
        ("'#o'.resolve().active", Verdict::False),
        ("('#' & 'p').resolve().active", Verdict::Empty),
        (
            "%none.managingOrganization.resolve().active",
            Verdict::Empty,
        ),
    ] {
        assert_eq!(expression(text).verdict(&context), verdict, "{text}");
    }
}

#[test]
fn items_at_the_edges() {
    let document = r#"{"resourceType": "Patient", "id": "p", "gender": "other", "multipleBirthInteger": 3,
        "name": [{"given": ["a", "b", "c", "d"], "_given": [null, null, null, null, {"id": "e"}]}]}"#;
    table(
        document,
        &[
            ("name.given.count()", "5"),
            ("name.given.last().id", r#""e""#),
            ("name.given.exists($this = 'x')", "false"),
            ("name.given.take(-1)", ""),
            ("name.given.skip(-1).count()", "5"),
            (
                "name.given.iif(true, 1)",
                "error: `iif` needs a single item and there are several",
            ),
            // A code is a string, and is not kept as one.
            ("gender is string and id is string", "true"),
            ("gender.as(string) | id.ofType(string)", ""),
            ("gender as code", r#""other""#),
            (
                "multipleBirth.ofType(integer) | multipleBirth.ofType(positiveInt)",
                "3",
            ),
        ],
    );
}
