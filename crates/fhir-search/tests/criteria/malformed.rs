//! Values that are none of their parameter's kind.

use crate::errors::fail;

const DATE: &str = "expected a date such as 2013, 2013-01-14 or 2013-01-14T10:00Z, with or without a prefix (eq ne gt lt ge le sa eb ap) before it";
const NUMBER: &str = "expected a number such as 100, 5.40 or 1e-3, of at most 1,000 digits, with or without a prefix (eq ne gt lt ge le sa eb ap) before it";
const QUANTITY: &str = "expected number, number|system|code or number||code, with or without a prefix (eq ne gt lt ge le sa eb ap) before it";

/// Each value of a parameter fails at its own place with one message.
fn all_fail(parameter: &str, message: &str, values: &[&str]) {
    let name = parameter.split(['?', ':']).nth(1).unwrap();
    for value in values {
        let offset = parameter.len() + 1;
        fail(&[(
            &format!("{parameter}={value}"),
            offset,
            &format!("search parameter {name}: {message}"),
        )]);
    }
}

#[test]
fn tokens() {
    let system = "it searches a code, which has no system";
    all_fail("Patient?gender", system, &["s|male", "s|", "%a|%b", "s|%b"]);
    let truth = "expected true or false";
    all_fail("Patient?active", truth, &["yes", "TRUE", "1", "|yes", "0"]);
    all_fail("Patient?deceased", truth, &["yes", "2020"]);
    for name in ["active", "birthdate", "name", "_lastUpdated", "_project"] {
        all_fail(
            &format!("Patient?{name}:missing"),
            truth,
            &["yes", "True", "|true", "ne true"],
        );
    }
    all_fail(
        "Patient?identifier",
        "expected code, system|code, |code or system|",
        &["|"],
    );
    let pipes = r"expected at most one |; one inside a system or code is written \|";
    all_fail("Patient?identifier", pipes, &["a|b|c", "a|%b|c", "||"]);
    all_fail("Observation?subject:identifier", pipes, &["a|b|c", "|%b|"]);
}

#[test]
fn texts() {
    let text = "expected a text with at least one letter, digit or sign";
    for parameter in [
        "Patient?name",
        "Patient?name:contains",
        "Patient?identifier:text",
    ] {
        all_fail(parameter, text, &["%CC%81", "\u{301}\u{302}"]);
    }
    let url = "expected an absolute URL such as http://example.org/a";
    for parameter in ["ValueSet?url:above", "ValueSet?url:below"] {
        all_fail(
            parameter,
            url,
            &[
                "x",
                "urn:oid:1.2.3",
                "/a/b",
                "http://",
                "http:///",
                "http:/a",
            ],
        );
    }
}

#[test]
fn references() {
    let target = "expected Type/id, an id or an absolute URL";
    for parameter in [
        "Observation?subject",
        "Patient?_compartment",
        "*?_compartment",
        "Bundle?composition",
    ] {
        all_fail(
            parameter,
            target,
            &[
                "a/b/c",
                "Patient/",
                "/",
                "a b",
                "http://x y",
                "a_b",
                "#p",
                "é",
            ],
        );
        all_fail(parameter, target, &["x".repeat(65).as_str()]);
    }
    fail(&[
        (
            "Observation?subject=Pateint/1",
            20,
            r#"search parameter subject: "Pateint" is not a resource type (did you mean Patient?)"#,
        ),
        (
            "Observation?subject=1,Patient/1/_history/2",
            22,
            "search parameter subject: expected a reference without a version",
        ),
        (
            "Patient?_id=Device/1",
            12,
            "search parameter _id: the id of a Patient is expected",
        ),
        (
            "Patient?_id=1,http://x/Patient/1",
            14,
            "search parameter _id: expected an id",
        ),
        (
            "Patient?_id=a b",
            12,
            "search parameter _id: expected an id",
        ),
        (
            "Patient?_project=Patient/1",
            17,
            "search parameter _project: expected the id of a Project",
        ),
    ]);
}

#[test]
fn dates() {
    let malformed = [
        "1990-13-45",
        "1990-02-29",
        "1990-2-3",
        "90",
        "soon",
        "gt",
        "ge",
        "xx2013",
        "gegt2013",
        "GE2013",
        "ge 2013",
        "2013-01-14T10",
        "2013-01-14T10:60",
        "2013-01-14T24:00",
        "2013-01-14T10:00+5",
        "2013-01-14T10:00:00.",
        "2013|",
        "-2013",
        "0000",
        "20131",
        "2013-01-14 10:00",
    ];
    all_fail("Patient?birthdate", DATE, &malformed);
    all_fail("Patient?_lastUpdated", DATE, &malformed);
    // With variables in them, as far as it can be seen.
    all_fail("Patient?birthdate", DATE, &["g%day", "foo%day", "gex%day"]);
    fail(&[(
        "Patient?birthdate=2013,ge2013-01-32",
        23,
        &format!("search parameter birthdate: {DATE}"),
    )]);
}

#[test]
fn numbers() {
    let malformed = [
        "abc", "gt", "1;5", "--1", "+1", ".5", "5.", "01", "1e", "1e1001", "0x10", "NaN",
        "Infinity", "1 ", "gt gt1", "1_0",
    ];
    all_fail("RiskAssessment?probability", NUMBER, &malformed);
    all_fail(
        "RiskAssessment?probability",
        NUMBER,
        &["1|s|c", "x%n", "|", "g%n"],
    );
    all_fail("Observation?value-quantity", QUANTITY, &malformed);
    all_fail(
        "Observation?value-quantity",
        QUANTITY,
        &[
            "5|mg",
            "5|s|",
            "5||",
            "|s|c",
            "5|s|c|d",
            "gt|s|c",
            "s|c|5",
            "5|%u",
            "5|s|c|%x",
            "mg%n",
            "abc|%s|%c",
        ],
    );
    all_fail(
        "RiskAssessment?probability",
        NUMBER,
        &["1".repeat(1_001).as_str()],
    );
}

#[test]
fn composites() {
    let two = r"expected 2 parts with $ between them; a $ inside a part is written \$";
    all_fail(
        "Observation?code-value-quantity",
        two,
        &[
            "a", "a$", "$5", "$", "a$5$6", r"a\$5", "a$%x$", "%x$", "$%x", "a$%x$5",
        ],
    );
    let three = r"expected 3 parts with $ between them; a $ inside a part is written \$";
    all_fail(
        "MolecularSequence?referenceseqid-variant-coordinate",
        three,
        &["a$1", "a$1$2$3"],
    );
    all_fail(
        "Observation?code-value-quantity",
        QUANTITY,
        &["a$b", "a$5|mg", "a$g%x"],
    );
    all_fail(
        "Observation?code-value-date",
        DATE,
        &["a$b", "a$2013-13", "%c$xx%d"],
    );
    all_fail(
        "DocumentReference?relationship",
        "expected Type/id, an id or an absolute URL",
        &["replaces$a/b/c"],
    );
    all_fail(
        "DocumentReference?relationship",
        "it searches a code, which has no system",
        &["s|replaces$1", "s|%x$1"],
    );
    all_fail(
        "ResearchStudy?progress-status-state-actual",
        "expected true or false",
        &["a$yes"],
    );
}
