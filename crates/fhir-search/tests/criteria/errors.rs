//! What is wrong with the text of criteria, where, and how it is said.

use fhir_search::Criteria;

/// The message and the offset of the error.
fn error(kind: &str, text: &str) -> (String, usize) {
    let error = Criteria::parse(kind, text).expect_err(text);
    assert!(error.offset <= text.len() && text.is_char_boundary(error.offset));
    (error.message, error.offset)
}

/// Criteria for their own type that fail: the offset and the message.
pub fn fail(cases: &[(&str, usize, &str)]) {
    for (text, offset, message) in cases {
        let kind = text.split('?').next().unwrap();
        assert_eq!(
            error(kind, text),
            ((*message).to_owned(), *offset),
            "{text}"
        );
    }
}

#[test]
fn types() {
    for (kind, text, offset, message) in [
        (
            "Patient",
            "Observation?status=x",
            0,
            r#"the criteria is for Observation, but its entry is for "Patient""#,
        ),
        (
            "*",
            "Patient?_id=1",
            0,
            r#"the criteria is for Patient, but its entry is for "*""#,
        ),
        (
            "Pateint",
            "Pateint?_id=1",
            0,
            r#"unknown resource type "Pateint" (did you mean "Patient"?)"#,
        ),
        (
            "Patient",
            "Patient",
            7,
            "? is missing after the resource type",
        ),
        ("Patient", "", 0, "? is missing after the resource type"),
        ("Binary", "Binary?_id=1", 0, "Binary has no criteria"),
        (
            "Patient",
            "Resource?_id=1",
            0,
            r#"unknown resource type "Resource""#,
        ),
        (
            "Patient",
            "patient?_id=1",
            0,
            r#"unknown resource type "patient" (did you mean "Patient"?)"#,
        ),
    ] {
        assert_eq!(
            error(kind, text),
            (message.to_owned(), offset),
            "{kind} {text}"
        );
    }
}

#[test]
fn syntax() {
    let empty = "a search parameter is empty";
    let nameless = "a search parameter has no name";
    let value = "a value is empty";
    let escape = r"\ must be followed by , | $ or \";
    let percent = "% starts neither an encoded character nor a variable";
    let nul = "a NUL character is not allowed";
    let variable = "a variable can only be part of a value";
    fail(&[
        ("Patient?", 8, empty),
        ("Patient?_id=1&", 14, empty),
        ("Patient?&_id=1", 8, empty),
        ("Patient?_id=1&&_id=2", 14, empty),
        ("Patient?=1", 8, nameless),
        ("Patient?:not=1", 8, nameless),
        (
            "Patient?gender",
            14,
            r#"= is missing after search parameter "gender""#,
        ),
        ("Patient?gender=", 15, value),
        ("Patient?gender=a,,b", 17, value),
        ("Patient?gender=,", 15, value),
        ("Patient?gender=a%2C", 19, value),
        (r"Patient?gender=a\", 16, escape),
        (r"Patient?gender=a\b", 17, escape),
        (r"Patient?gender=\%x", 16, escape),
        (r"Patient?identifier=a\\\|b\", 25, escape),
        ("Patient?gender=a%5C", 16, escape),
        ("Patient?gender=%zz%1", 18, percent),
        ("Patient?gender=%", 15, percent),
        ("Patient?gender=%4", 15, percent),
        // What is an encoded byte but not UTF-8 is no variable's name.
        ("Patient?gender=%80", 15, percent),
        (
            "Patient?gender=%ED%A0%80",
            15,
            "%ED is not the start of a character in UTF-8",
        ),
        (
            "Patient?gender=%F5%80%80%80",
            15,
            "%F5 is not the start of a character in UTF-8",
        ),
        (
            "Patient?%C3=1",
            8,
            "%C3 is not the start of a character in UTF-8",
        ),
        ("Patient?%80=1", 8, percent),
        ("Patient?gender=%00", 15, nul),
        ("Patient?gender=a\0", 16, nul),
        ("Patient?gend%00er=a", 12, nul),
        ("Patient?%x=1", 8, variable),
        ("Patient?gender:%x=1", 15, variable),
        (
            "Patient?active:missing=true,false",
            28,
            "active:missing takes one value, true or false",
        ),
        (
            "Patient?birthdate:missing=%a,%b",
            29,
            "birthdate:missing takes one value, true or false",
        ),
    ]);
}
