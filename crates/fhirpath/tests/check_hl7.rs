//! The static checks on expressions that HL7 wrote: what its suite calls a semantic error is one, what its suite gives
//! a value has none, and of the invariants and search parameters of R4 only those that are wrong are reported.
//! Skipped where the suite, or the definitions below `target`, are not there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use fhir_model::{Kind, TypeId};
use fhirpath::{CheckContext, Issue, Severity, check, parse};
use serde_json::Value;

fn beside(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn json(path: &Path) -> Option<Value> {
    let text = fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).expect("JSON"))
}

fn issues(resource_type: Option<TypeId>, expression: &str, condition: bool) -> Vec<Issue> {
    let ast = parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    let context = CheckContext {
        resource_type,
        variables: &[],
        condition,
    };
    check(expression, &ast, &context)
}

#[test]
fn suite() {
    let folder = beside("../shared/conformance/fhirpath");
    let Some(suite) = json(&folder.join("tests-fhir-r4.json")) else {
        println!("skipped: HL7's suite is not at ../shared beside the repository");
        return;
    };
    let (mut valid, mut semantic, mut wrong) = (0, 0, Vec::new());
    for test in suite.as_array().unwrap() {
        let kind = test["invalid"].as_str();
        if kind == Some("syntax") {
            continue;
        }
        let input = test["input"].as_str().map(|file| {
            let input = json(&folder.join("input").join(file)).expect("an input");
            TypeId::named(input["resourceType"].as_str().unwrap()).unwrap()
        });
        let expression = test["expression"].as_str().unwrap();
        let found = issues(input, expression, false);
        let refused = found.iter().any(|issue| issue.severity == Severity::Error);
        match (kind, refused) {
            (None, false) => valid += 1,
            (Some("semantic"), true) => semantic += 1,
            (Some("execution"), _) => {}
            _ => wrong.push(format!("{expression}\n{found:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((valid, semantic), (900, 12));
}

/// An expression of R4, what it is evaluated on and what it is called.
struct Defined {
    type_id: Option<TypeId>,
    key: String,
    expression: String,
    condition: bool,
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

/// The invariants of types; `Bundle` is the file's.
fn invariants(bundle: &Value) -> Vec<Defined> {
    let mut all = Vec::new();
    let resources = list(bundle, "entry").map(|entry| &entry["resource"]);
    for definition in resources.filter(|it| it["resourceType"] == "StructureDefinition") {
        if definition["derivation"] == "constraint" {
            continue;
        }
        for element in list(&definition["snapshot"], "element") {
            let path = element["path"].as_str().unwrap();
            let codes: Vec<_> = list(element, "type")
                .filter_map(|it| it["code"].as_str()?.rsplit('/').next())
                .collect();
            let declared = match codes.as_slice() {
                [one] => TypeId::named(one),
                _ => None,
            };
            for constraint in list(element, "constraint") {
                if let (Some(key), Some(expression)) = (
                    constraint["key"].as_str(),
                    constraint["expression"].as_str(),
                ) {
                    all.push(Defined {
                        type_id: TypeId::at(path).or(declared),
                        key: key.to_owned(),
                        expression: expression.to_owned(),
                        condition: true,
                    });
                }
            }
        }
    }
    all
}

fn search_parameters(bundle: &Value) -> Vec<Defined> {
    list(bundle, "entry")
        .map(|entry| &entry["resource"])
        .filter_map(|it| {
            Some(Defined {
                type_id: None,
                key: it["id"].as_str()?.to_owned(),
                expression: it["expression"].as_str()?.to_owned(),
                condition: false,
            })
        })
        .collect()
}

#[test]
fn definitions() {
    let folder = beside("target/definitions/package/dist/fhir/r4");
    let Some(resources) = json(&folder.join("profiles-resources.json")) else {
        println!("skipped: no definitions below target (cargo xtask generate fetches them)");
        return;
    };
    let mut all = invariants(&resources);
    let types = json(&folder.join("profiles-types.json")).expect("a bundle");
    all.extend(invariants(&types));
    let parameters = json(&folder.join("search-parameters.json")).expect("a bundle");
    all.extend(search_parameters(&parameters));
    assert!(all.len() > 10_000, "{}", all.len());

    let mut reported: Vec<String> = Vec::new();
    for one in all {
        // Below an element, `%resource` is not what the check is told it is.
        let is_resource = one.type_id.is_none_or(|it| it.kind() == Kind::Resource);
        if !is_resource && one.expression.contains("esource.") {
            continue;
        }
        for issue in issues(one.type_id, &one.expression, one.condition) {
            // Of search parameters many use `as` on what repeats, which is said, and was let pass when they were written.
            if !one.condition && issue.message.contains("; `as` fails") {
                continue;
            }
            reported.push(format!("{}: {issue}", one.key));
        }
    }
    reported.sort();
    reported.dedup();
    assert_eq!(
        reported,
        [
            "cid-0: ChargeItemDefinition has no element `name`",
            "con-3: CodeableConcept and String are never equal, so that `=` is never true",
            // Types of R4B.
            "dom-r4b: there is no type `AdministrableProductDefinition`",
            "dom-r4b: there is no type `Citation`",
            "dom-r4b: there is no type `ClinicalUseDefinition`",
            "dom-r4b: there is no type `EvidenceReport`",
            "dom-r4b: there is no type `Ingredient`",
            "dom-r4b: there is no type `MedicinalProductDefinition`",
            "dom-r4b: there is no type `PackagedProductDefinition`",
            "dom-r4b: there is no type `RegulatedAuthorization`",
            "dom-r4b: there is no type `SubscriptionTopic`",
            "dom-r4b: there is no type `SubstanceDefinition`",
            "ele-1: `$this` is SubscriptionStatus.notificationEvent, never Parameters",
            "que-7: `answer` is boolean, decimal, integer or another type, never System.Boolean",
            "txt-1: htmlChecks() is not for the database to decide",
            "txt-2: htmlChecks() is not for the database to decide",
        ]
    );
}
