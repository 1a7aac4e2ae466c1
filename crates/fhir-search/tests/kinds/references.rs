//! Reference parameters, `:identifier` and `:Type`, and resources inside a Bundle.

use crate::support::check;

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

fn subject(reference: &str) -> String {
    format!(
        r##"{{"contained":[{{"resourceType":"Patient","id":"p"}},{{"id":"q"}},{{"resourceType":"Nothing","id":"r"}}],
            "resourceType":"Observation","id":"own","subject":{{"reference":"{reference}"}}}}"##
    )
}

#[test]
fn targets() {
    for (asked, stored, expected) in [
        ("subject=Patient/1", "Patient/1", YES),
        ("subject=Patient/1", "Patient/1/_history/2", YES),
        ("subject=Patient/1", "Patient/12", NO),
        ("subject=Patient/1", "Group/1", NO),
        ("subject=Patient/1", "http://x/Patient/1", NO),
        ("subject=Patient/1", "patient/1", NO),
        ("subject=1", "Patient/1", YES),
        ("subject=1", "Group/1/_history/3", YES),
        ("subject=1", "Practitioner/1", NO), // not a type that a subject can be of
        ("subject=1", "http://x/Patient/1", NO),
        ("subject=p", "#p", YES),
        ("subject=Patient/p", "#p", YES),
        ("subject=Group/p", "#p", NO),
        ("subject=Patient/p", "#gone", None),
        ("subject=Patient/q", "#q", None), // contained, of no type
        ("subject=Patient/r", "#r", None),
        ("subject=http://x/Patient/1", "http://x/Patient/1", YES),
        (
            "subject=http://x/Patient/1",
            "http://x/Patient/1/_history/2",
            YES,
        ),
        ("subject=http://x/Patient/1", "http://X/Patient/1", NO),
        ("subject=urn:uuid:a", "urn:uuid:a", YES),
        ("subject=Patient/1,Patient/2", "Patient/2", YES),
        ("subject:not=Patient/1", "Patient/1", NO),
        ("subject:not=Patient/1", "Patient/2", YES),
        ("subject:not=Patient/1", "#gone", None),
        ("subject:Patient=1", "Patient/1", YES),
        ("subject:Patient=Patient/1", "Patient/1/_history/9", YES),
        ("subject:Patient=1", "Group/1", NO),
        ("subject:Group=1", "Group/1", YES),
        ("subject:Patient=p", "#p", YES),
        (
            "subject:Patient=http://x/Patient/1",
            "http://x/Patient/1",
            YES,
        ),
        ("subject:Patient=1", "http://x/Patient/1", NO),
        // Only references to patients count.
        ("patient=1", "Patient/1", YES),
        ("patient=Patient/1", "Patient/1", YES),
        ("patient=1", "Group/1", NO),
        ("patient=Group/1", "Group/1", NO),
        ("patient:missing=false", "Patient/1", YES),
        ("patient:missing=false", "Group/1", NO),
        ("patient:missing=true", "Group/1", YES),
        ("patient:missing=false", "http://x/Patient/1", YES),
        ("patient:missing=false", "http://x/Group/1", NO),
        ("patient:missing=false", "#p", YES),
        ("patient:missing=false", "urn:uuid:a", NO),
        ("subject:missing=false", "urn:uuid:a", YES),
        ("patient=http://x/Patient/1", "http://x/Patient/1", YES),
        ("patient=http://x/Group/1", "http://x/Group/1", NO),
    ] {
        check("Observation", &[(asked, &subject(stored), expected)]);
    }
    check(
        "Observation",
        &[
            ("subject=1", r#"{"subject":{"display":"x"}}"#, NO),
            ("subject=1", r#"{"subject":{}}"#, NO),
            ("subject=1", "{}", NO),
            ("subject=1", r#"{"subject":"Patient/1"}"#, None),
            ("subject=1", r#"{"subject":{"reference":5}}"#, None),
            (
                "subject=1",
                r#"{"subject":[{"reference":"Patient/1"}]}"#,
                None,
            ),
            ("subject:missing=true", r#"{"subject":{"display":"x"}}"#, NO),
            (
                "performer=1",
                r#"{"performer":[{"reference":7},{"reference":"Patient/1"}]}"#,
                YES,
            ),
            (
                "subject=Patient/1",
                r##"{"contained":5,"subject":{"reference":"#p"}}"##,
                None,
            ),
            (
                "has-member=Observation/own",
                r##"{"resourceType":"Observation","id":"own","hasMember":[{"reference":"#"}]}"##,
                YES,
            ),
        ],
    );
    let long = "a".repeat(1_200);
    let json = subject(&format!("http://x/{long}"));
    check(
        "Observation",
        &[
            (&format!("subject=http://x/{long}"), &json, YES),
            (&format!("subject=http://x/{long}a"), &json, NO),
        ],
    );
}

#[test]
fn any_type() {
    check(
        "Provenance",
        &[
            ("target=1", r#"{"target":[{"reference":"Basic/1"}]}"#, YES),
            ("target=1", r#"{"target":[{"reference":"Basicc/1"}]}"#, NO),
            (
                "target:Basic=1",
                r#"{"target":[{"reference":"Basic/1"}]}"#,
                YES,
            ),
            (
                "target:Basic=1",
                r#"{"target":[{"reference":"Device/1"}]}"#,
                NO,
            ),
        ],
    );
}

#[test]
fn identifiers() {
    let json = r#"{"subject":{"reference":"Patient/1","identifier":{"system":"s","value":"v"}}}"#;
    check(
        "Observation",
        &[
            ("subject:identifier=v", json, YES),
            ("subject:identifier=s|v", json, YES),
            ("subject:identifier=s|", json, YES),
            ("subject:identifier=|v", json, NO),
            ("subject:identifier=t|v", json, NO),
            ("subject:identifier=1", json, NO),
            ("subject:identifier=Patient/1", json, NO),
            ("subject:identifier=x,s|v", json, YES),
            (
                "subject:identifier=v",
                r#"{"subject":{"reference":"Patient/1"}}"#,
                NO,
            ),
            (
                "subject:identifier=v",
                r#"{"subject":{"identifier":"v"}}"#,
                None,
            ),
            (
                "subject:identifier=v",
                r#"{"subject":{"identifier":[{"value":"v"}]}}"#,
                None,
            ),
            ("subject:identifier=v", "{}", NO),
            (
                "performer:identifier=v",
                r#"{"performer":[{"identifier":{"value":"u"}},{"identifier":{"value":"v"}}]}"#,
                YES,
            ),
            (
                "performer:identifier=|v",
                r#"{"performer":[{"identifier":{"value":"v"}}]}"#,
                YES,
            ),
        ],
    );
}

/// Canonical references are texts.
#[test]
fn canonicals() {
    let json = r#"{"relatedArtifact":[{"type":"depends-on","resource":"http://x|1"}],"library":["http://y"]}"#;
    check(
        "PlanDefinition",
        &[
            ("depends-on=http://x|1", json, YES),
            ("depends-on=http://x", json, NO),
            ("depends-on=http://y", json, YES),
            ("composed-of=http://x|1", json, NO),
            ("depends-on:missing=false", json, YES),
        ],
    );
}

/// The first resource of a Bundle.
#[test]
fn bundles() {
    let of = |entries: &str| format!(r#"{{"entry":[{entries}]}}"#);
    let one = r#"{"resource":{"resourceType":"Composition","id":"1"}}"#;
    let two = r#"{"resource":{"resourceType":"Composition","id":"2"}}"#;
    let message = r#"{"resource":{"resourceType":"MessageHeader","id":"1"}}"#;
    let nameless = r#"{"resource":{"resourceType":"Composition"}}"#;
    for (asked, entries, expected) in [
        ("composition=Composition/1", one.to_owned(), YES),
        ("composition=1", one.to_owned(), YES),
        ("composition:Composition=1", one.to_owned(), YES),
        ("composition=2", one.to_owned(), NO),
        ("composition=2", format!("{one},{two}"), NO),
        ("composition=1", format!("{one},{two}"), YES),
        ("composition=2", format!("{two},{one}"), YES),
        ("composition=MessageHeader/1", message.to_owned(), NO),
        ("composition=1", message.to_owned(), NO),
        ("message=1", message.to_owned(), YES),
        ("message=1,2", message.to_owned(), YES),
        ("composition:missing=true", message.to_owned(), YES),
        ("composition:missing=true", one.to_owned(), NO),
        ("composition:missing=false", one.to_owned(), YES),
        ("composition:not=1", one.to_owned(), NO),
        ("composition:not=1", message.to_owned(), YES),
        ("composition=1", nameless.to_owned(), NO),
        (
            "composition=1",
            r#"{"resource":{"resourceType":"Composition","id":1}}"#.to_owned(),
            None,
        ),
        (
            "composition=1",
            r#"{"resource":{"resourceType":"Nonsense","id":"1"}}"#.to_owned(),
            None,
        ),
        (
            "composition=1",
            r#"{"resource":"Composition/1"}"#.to_owned(),
            None,
        ),
        ("composition=1", format!("null,{one}"), NO),
        ("composition=1", "{}".to_owned(), NO),
        ("composition=1", String::new(), NO),
        ("composition=http://x/Composition/1", one.to_owned(), NO),
    ] {
        check("Bundle", &[(asked, &of(&entries), expected)]);
    }
}
