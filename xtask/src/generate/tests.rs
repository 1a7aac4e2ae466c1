//! What becomes of expressions, on a small type; and that the committed table is what the definitions give.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::elements::Tree;
use super::{expression, parameters, read};

/// A type whose elements are like those that HL7's expressions are difficult on.
fn tree() -> Tree {
    let element = |path: &str, max: &str, types: &[&str]| {
        let types: Vec<Value> = types
            .iter()
            .map(|name| match name.strip_prefix("Reference ") {
                Some(target) => {
                    json!({"code": "Reference", "targetProfile": [format!("x/{target}")]})
                }
                None => json!({"code": name}),
            })
            .collect();
        json!({"path": path, "max": max, "type": types})
    };
    let definition = |kind: &str, name: &str, mut elements: Vec<Value>| {
        elements.insert(0, json!({"path": name, "max": "*"}));
        json!({
            "resourceType": "StructureDefinition", "kind": kind, "type": name,
            "snapshot": {"element": elements},
        })
    };
    let mut tree = Tree::default();
    let value = [
        "Quantity",
        "string",
        "dateTime",
        "Period",
        "CodeableConcept",
    ];
    tree.add(&[
        definition(
            "resource",
            "Patient",
            vec![element("Patient.id", "1", &["string"])],
        ),
        definition(
            "resource",
            "Resource",
            vec![element("Resource.id", "1", &["string"])],
        ),
        definition(
            "resource",
            "Trial",
            vec![
                element("Trial.code", "1", &["CodeableConcept"]),
                element("Trial.value[x]", "1", &value),
                element(
                    "Trial.subject",
                    "*",
                    &["Reference Patient", "Reference Group"],
                ),
                element("Trial.contact", "*", &["ContactPoint"]),
                element("Trial.part", "*", &["BackboneElement"]),
                element("Trial.part.code", "1", &["CodeableConcept"]),
                element("Trial.part.value[x]", "1", &value),
                element("Trial.when", "1", &["dateTime"]),
                element("Trial.part.when", "1", &["Period"]),
                element("Trial.part.who", "1", &["Reference Patient"]),
                element("Trial.entry", "*", &["BackboneElement"]),
                element("Trial.entry.resource", "1", &["Resource"]),
            ],
        ),
        definition(
            "resource",
            "Other",
            vec![element("Other.code", "1", &["code"])],
        ),
    ])
    .unwrap();
    tree
}

/// The line of a parameter of Trial.
fn line(kind: &str, expression: &str) -> Result<String, String> {
    reduce(&[json!({
        "code": "x", "type": kind, "base": ["Trial"], "expression": expression, "target": ["Patient"],
    })])
}

/// The first line that definitions give.
fn reduce(definitions: &[Value]) -> Result<String, String> {
    match parameters::reduce(&tree(), definitions) {
        Ok(table) => Ok(table
            .lines()
            .nth(1)
            .unwrap()
            .trim_start_matches(" x ")
            .to_owned()),
        Err(error) => Err(format!("{error:#}")),
    }
}

#[test]
fn expressions() {
    for (kind, expression, expected) in [
        ("token", "Trial.code", "code:CodeableConcept"),
        ("token", "code", "code:CodeableConcept"),
        (
            "token",
            "Other.code | Trial.code | Patient.code",
            "code:CodeableConcept",
        ),
        (
            "reference",
            "Trial.subject",
            "subject*:Reference(Group|Patient)",
        ),
        (
            "reference",
            "Trial.subject.where(resolve() is Patient) | Trial.part.who",
            "subject*:Reference!Patient | part*.who:Reference(Patient)",
        ),
        (
            "token",
            "Trial.contact.where(system='phone') | Trial.contact.where(system = 'e|mail')",
            "contact*[system=\"phone\"]:ContactPoint | contact*[system=\"e|mail\"]:ContactPoint",
        ),
        (
            "date",
            "(Trial.value as dateTime)",
            "valueDateTime:dateTime",
        ),
        (
            "date",
            "(Trial.value as dateTime) | (Trial.value as Period)",
            "valueDateTime:dateTime | valuePeriod:Period",
        ),
        ("date", "Trial.value as Period", "valuePeriod:Period"),
        ("date", "Trial.value.as(DateTime)", "valueDateTime:dateTime"),
        (
            "quantity",
            "Trial.part.value.ofType(Quantity)",
            "part*.valueQuantity:Quantity",
        ),
        // A whole choice: every member that fits.
        (
            "date",
            "Trial.value",
            "valueDateTime:dateTime | valuePeriod:Period",
        ),
        (
            "token",
            "Trial.value",
            "valueString:string | valueCodeableConcept:CodeableConcept",
        ),
        // What two alternatives have in common is written once.
        (
            "date",
            "Trial.value | (Trial.value as Period)",
            "valueDateTime:dateTime | valuePeriod:Period",
        ),
        (
            "reference",
            "Trial.entry[0].resource",
            "entry*[0].resource:Resource!Patient",
        ),
    ] {
        assert_eq!(
            line(kind, expression),
            Ok(format!("{kind} {expected}")),
            "{expression}"
        );
    }
}

/// Nothing is dropped in silence: what cannot be written stops the generator.
#[test]
fn errors() {
    for (kind, expression, expected) in [
        (
            "token",
            "Trial.code.exists()",
            "expression `Trial.code.exists()`",
        ),
        (
            "token",
            "(Trial.code | Trial.part.code).text",
            "`)` expected before ` | Trial.part.code).text`",
        ),
        (
            "token",
            "Trial.code.trace('a')",
            "expression `Trial.code.trace('a')`",
        ),
        ("token", "Trial.code[first]", "index expected"),
        ("token", "Trial.code[0]", "code is not a list"),
        ("token", "Trial.kode", "there is no element kode after ``"),
        (
            "date",
            "(Trial.value as instant)",
            "value[x] is never a instant",
        ),
        (
            "date",
            "(Trial.value as Period) | Trial.code",
            "nothing in `Trial.code` is a date",
        ),
        (
            "special",
            "Trial.code",
            "nothing in `Trial.code` is a special",
        ),
        (
            "token",
            "Other.code",
            "`Other.code` selects nothing in Trial",
        ),
    ] {
        let error = line(kind, expression).unwrap_err();
        let found = error.strip_prefix("parameter x of Trial: ").unwrap();
        assert!(found.starts_with(expected), "{expression}: {found}");
    }
}

/// A composite of Trial with one token part and one part of `kind`.
fn composite(contexts: &str, kind: &str, part: &str) -> Result<String, String> {
    reduce(&[
        json!({
            "code": "x", "type": "composite", "base": ["Trial"], "expression": contexts,
            "component": [
                {"definition": "u/code", "expression": "code"},
                {"definition": "u/part", "expression": part},
            ],
        }),
        json!({"code": "y", "url": "u/code", "type": "token"}),
        json!({"code": "z", "url": "u/part", "type": kind}),
    ])
}

#[test]
fn composites() {
    for (contexts, kind, part, expected) in [
        (
            "Trial",
            "quantity",
            "value.as(Quantity)",
            ". $ token code:CodeableConcept $ quantity valueQuantity:Quantity",
        ),
        (
            "Trial | Trial.part",
            "date",
            "value.as(DateTime) | value.as(Period)",
            ". | part* $ token code:CodeableConcept $ date valueDateTime:dateTime | valuePeriod:Period",
        ),
        (
            "Trial.part",
            "token",
            "%resource.code",
            "part* $ token code:CodeableConcept $ token /code:CodeableConcept",
        ),
        (
            "Trial.part",
            "token",
            "value",
            "part* $ token code:CodeableConcept $ token valueString:string | valueCodeableConcept:CodeableConcept",
        ),
        (
            "Other | Trial.part",
            "reference",
            "who",
            "part* $ token code:CodeableConcept $ reference who:Reference(Patient)",
        ),
    ] {
        assert_eq!(
            composite(contexts, kind, part),
            Ok(format!("composite {expected}")),
            "{contexts} {part}"
        );
    }
    for (contexts, kind, part, expected) in [
        // What differs between contexts could be written, but not read as what it means.
        (
            "Trial | Trial.part",
            "date",
            "when",
            "`when` selects [\"when:Period\"] in one context and [\"when:dateTime\"] in another",
        ),
        (
            "Trial | Trial.part",
            "reference",
            "who",
            "there is no element who",
        ),
        ("Trial.part", "date", "who", "nothing in `who` is a date"),
        ("Other", "token", "code", "its expression selects nothing"),
    ] {
        let error = composite(contexts, kind, part).unwrap_err();
        assert!(error.contains(expected), "{contexts} {part}: {error}");
    }
}

/// What is named in the definitions of a composite must be there.
#[test]
fn incomplete_composites() {
    let one = json!({
        "code": "x", "type": "composite", "base": ["Trial"], "expression": "Trial.part",
        "component": [{"definition": "u/code", "expression": "code"}],
    });
    let mut two = one.clone();
    two["component"] = json!([
        {"definition": "u/code", "expression": "code"},
        {"definition": "u/nowhere", "expression": "code"},
    ]);
    let code = json!({"code": "y", "url": "u/code", "type": "token"});
    for (definition, expected) in [(one, "several parts"), (two, "u/nowhere is not defined")] {
        let error = reduce(&[definition, code.clone()]).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

/// What cannot be a criterion is refused by name, with a reason that completes a sentence.
#[test]
fn refused() {
    for code in [
        "_content",
        "_query",
        "_text",
        "near",
        "priority-order",
        "profile-type",
    ] {
        let line = reduce(&[json!({"code": code, "type": "special", "base": ["Trial"]})]).unwrap();
        let reason = line
            .trim_start()
            .strip_prefix(&format!("{code} special - it "))
            .unwrap();
        assert!(reason.contains(' '), "{line}");
    }
}

#[test]
fn unions() {
    assert_eq!(
        expression::alternatives("A.b | (A.c as d) | A.e.where(f='|') | (A.g | A.h)"),
        ["A.b", "(A.c as d)", "A.e.where(f='|')", "(A.g | A.h)"]
    );
}

/// Regenerated from the definitions, where they have been unpacked, the tables are the committed ones.
#[test]
fn committed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let source = root.join("target/definitions/package/dist/fhir/r4");
    if !source.exists() {
        println!("skipped: no definitions below target (cargo xtask generate fetches them)");
        return;
    }
    let (tree, definitions) = read(&source).unwrap();
    for (file, expected) in [
        ("fhir-model/data/elements.txt", tree.to_string()),
        (
            "fhir-search/data/parameters.txt",
            parameters::reduce(&tree, &definitions).unwrap(),
        ),
    ] {
        let text = fs::read_to_string(root.join("crates").join(file)).unwrap();
        let (_, body) = text.split_once('\n').unwrap();
        assert!(body == expected, "{file} differs: run cargo xtask generate");
    }
}
