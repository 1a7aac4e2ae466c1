//! Wrongly typed elements.

use crate::support::{Document, predicate};

/// Wrongly typed elements are unknown: neither the criteria nor its negation grants.
#[test]
fn unknown() {
    for (kind, text, json) in [
        ("Patient", "gender=male", r#"{"gender":5}"#),
        ("Patient", "gender=male", r#"{"gender":["male"]}"#),
        ("Patient", "active=true", r#"{"active":"true"}"#),
        (
            "Patient",
            "identifier=s|v",
            r#"{"identifier":{"system":"s","value":"v"}}"#,
        ),
        ("Patient", "identifier=s|v", r#"{"identifier":["v"]}"#),
        (
            "Patient",
            "identifier=s|v",
            r#"{"identifier":[{"system":5,"value":"v"}]}"#,
        ),
        ("Patient", "name=x", r#"{"name":[{"family":7}]}"#),
        ("Patient", "name=x", r#"{"name":[{"given":"x"}]}"#),
        (
            "Patient",
            "link=Patient/1",
            r##"{"link":[{"other":{"reference":"#gone"}}]}"##,
        ),
        (
            "Patient",
            "link=Patient/1",
            r#"{"link":[{"other":"Patient/1"}]}"#,
        ),
        ("Patient", "deceased=true", r#"{"deceasedBoolean":7}"#),
        (
            "Observation",
            "code=c",
            r#"{"code":{"coding":{"code":"c"}}}"#,
        ),
        (
            "Observation",
            "code=c",
            r#"{"code":[{"coding":[{"code":"c"}]}]}"#,
        ),
        ("Patient", "gender:missing=true", r#"{"gender":5}"#),
        (
            "Patient",
            "identifier:missing=true",
            r#"{"identifier":"x"}"#,
        ),
        ("Patient", "gender=male", "[]"),
        ("Patient", "gender=male", r#""male""#),
    ] {
        let found = predicate(&format!("{kind}?{text}"));
        let document = Document::new(json);
        assert_eq!(document.holds(&found), None, "{text} {json}");
        assert_eq!(document.holds(&found.negated()), None, "not {text} {json}");
    }
    for (kind, text, json, expected) in [
        ("Patient", "gender=male", "{}", false),
        ("Patient", "gender=male", r#"{"gender":null}"#, false),
        ("Patient", "gender:not=male", "{}", true),
        ("Patient", "gender:not=male", r#"{"gender":"female"}"#, true),
        (
            "Patient",
            "gender:missing=true",
            r#"{"_gender":{"extension":[]}}"#,
            true,
        ),
        (
            "Patient",
            "identifier:missing=true",
            r#"{"identifier":[]}"#,
            true,
        ),
        (
            "Patient",
            "identifier=v",
            r#"{"identifier":[5,{"value":"v"}]}"#,
            true,
        ),
        (
            "Patient",
            "identifier:not=v",
            r#"{"identifier":[5,{"value":"v"}]}"#,
            false,
        ),
        (
            "Patient",
            "given=ann",
            r#"{"name":[{"given":[null,"Änne"]}]}"#,
            true,
        ),
        (
            "Patient",
            "given=ann",
            r#"{"name":[{"given":["Mary Ann"]}]}"#,
            false,
        ),
        (
            "Patient",
            "name=m%C3%BCller",
            r#"{"name":[{"family":"MULLER"}]}"#,
            true,
        ),
        (
            "Patient",
            "deceased=true",
            r#"{"deceasedDateTime":"2020"}"#,
            true,
        ),
        (
            "Patient",
            "deceased=false",
            r#"{"deceasedBoolean":false}"#,
            true,
        ),
        ("Patient", "deceased=false", "{}", true),
        (
            "Patient",
            "link=Patient/1",
            r#"{"link":[{"other":{"reference":"Patient/1/_history/7"}}]}"#,
            true,
        ),
        (
            "Patient",
            "link=Patient/1",
            r##"{"contained":[{"resourceType":"Patient","id":"1"}],"link":[{"other":{"reference":"#1"}}]}"##,
            true,
        ),
        (
            "Patient",
            "link=http://x/Patient/1",
            r#"{"link":[{"other":{"reference":"http://x/Patient/1/_history/7"}}]}"#,
            true,
        ),
        (
            "Patient",
            "link=Patient/1",
            r#"{"link":[{"other":{"reference":"http://x/Patient/1"}}]}"#,
            false,
        ),
        (
            "Patient",
            "link=1",
            r#"{"link":[{"other":{"reference":"RelatedPerson/1"}}]}"#,
            true,
        ),
        (
            "Observation",
            "subject=Patient/1",
            r##"{"contained":[{"resourceType":"http:","id":"/x"}],"subject":{"display":"x"}}"##,
            false,
        ),
    ] {
        let document = Document::new(json);
        assert_eq!(
            document.holds(&predicate(&format!("{kind}?{text}"))),
            Some(expected),
            "{text} {json}"
        );
    }
}
