//! The committed tables: their counts, their digests, and what cannot be used and why.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::collections::BTreeMap;

use fhir_search::table::{self, Alternative, Kind, Searched};
use fhir_search::{Leaf, Path, Step, model};

const FILES: [(&str, &str); 3] = [
    ("parameters.txt", include_str!("../data/parameters.txt")),
    (
        "compartment-patient.txt",
        include_str!("../data/compartment-patient.txt"),
    ),
    (
        "compartments-hl7.txt",
        include_str!("../data/compartments-hl7.txt"),
    ),
];

#[test]
fn digests() {
    let found: Vec<String> = FILES
        .iter()
        .map(|(name, text)| {
            format!(
                "{name} {} {}",
                text.lines().count(),
                &blake3::hash(text.as_bytes()).to_hex()[..16]
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "parameters.txt 1939 63a9cbe376cbd81e",
            "compartment-patient.txt 68 de10f7dbf474b30f",
            "compartments-hl7.txt 151 f1ee08a747631e54"
        ]
    );
}

fn written_steps(steps: &[Step]) -> String {
    let path = Path {
        steps: steps.to_vec(),
        leaf: Leaf::Object,
    };
    let text = path.to_string();
    match text.trim_end_matches(":object") {
        "" => ".".to_owned(),
        steps => steps.to_owned(),
    }
}

fn written(alternatives: &[Alternative]) -> String {
    let written = alternatives.iter().map(|found| {
        let steps = written_steps(&found.path.steps);
        let targets = found.targets.join("|");
        match (found.only_targets, targets.is_empty()) {
            (true, _) => format!("{steps}:{}!{targets}", found.datatype),
            (false, true) => format!("{steps}:{}", found.datatype),
            (false, false) => format!("{steps}:{}({targets})", found.datatype),
        }
    });
    written.collect::<Vec<_>>().join(" | ")
}

#[test]
fn counts() {
    assert_eq!(model::resource_types().count(), 169);
    let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut refused = Vec::new();
    let lines = FILES[0].1.lines().filter(|line| !line.starts_with('#'));
    let mut current = "";
    for line in lines {
        let Some(rest) = line.strip_prefix(' ') else {
            current = line;
            continue;
        };
        let code = rest.split(' ').next().unwrap();
        let parameter =
            table::parameter(current, code).unwrap_or_else(|| panic!("{current} {line}"));
        let counts = kinds.entry(parameter.kind.to_string()).or_default();
        // Written and read again, the line is the same.
        let written = match &parameter.searched {
            Searched::Elements(alternatives) => {
                assert!(!alternatives.is_empty(), "{current} {line}");
                written(alternatives)
            }
            Searched::Composite(found) => {
                let contexts = found.contexts.iter().map(|steps| written_steps(steps));
                let contexts: Vec<String> = contexts.collect();
                let parts = found.parts.iter().map(|part| {
                    let root = if part.from_root { "/" } else { "" };
                    format!(" $ {} {root}{}", part.kind, written(&part.alternatives))
                });
                assert!(found.parts.len() >= 2, "{current} {line}");
                contexts.join(" | ") + &parts.collect::<String>()
            }
            Searched::Nothing(reason) => {
                assert!(reason.starts_with("it "), "{current} {line}");
                refused.push(format!("{current} {code}"));
                format!("- {reason}")
            }
        };
        if matches!(parameter.searched, Searched::Nothing(_)) {
            counts.1 += 1;
        } else {
            counts.0 += 1;
        }
        assert_eq!(rest, format!("{code} {} {written}", parameter.kind));
    }
    let kinds: Vec<String> = kinds
        .into_iter()
        .map(|(kind, (usable, refused))| format!("{kind} {usable}+{refused}"))
        .collect();
    assert_eq!(
        kinds,
        [
            "composite 75+0",
            "date 143+0",
            "number 8+5",
            "quantity 41+0",
            "reference 535+0",
            "special 0+1",
            "string 214+2",
            "token 704+2",
            "uri 57+0"
        ]
    );
    assert_eq!(
        refused,
        [
            "CommunicationRequest priority-order",
            "DomainResource _text",
            "Location near",
            "MedicationRequest priority-order",
            "ProjectMembership profile-type",
            "RequestGroup priority-order",
            "Resource _content",
            "Resource _query",
            "ServiceRequest priority-order",
            "Task priority-order"
        ]
    );
}

/// All alternatives of all parameters, those of composites' parts included, each with the kind it is searched as.
fn each_alternative(mut visit: impl FnMut(&str, Kind, &Alternative)) {
    for name in model::resource_types() {
        for code in table::codes(name) {
            let parameter = table::parameter(name, code).unwrap();
            let what = format!("{name} {code}");
            let elements = parameter.elements().iter();
            elements.for_each(|found| visit(&what, parameter.kind, found));
            if let Searched::Composite(composite) = &parameter.searched {
                for part in &composite.parts {
                    let elements = part.alternatives.iter();
                    elements.for_each(|found| visit(&what, part.kind, found));
                }
            }
        }
    }
}

/// Every target that a parameter names is a resource type.
#[test]
fn targets() {
    each_alternative(|what, _, alternative| {
        for target in &alternative.targets {
            assert!(model::is_resource_type(target), "{what} {target}");
        }
        assert!(
            !alternative.only_targets || !alternative.targets.is_empty(),
            "{what}"
        );
    });
}

/// Every element is one that a parameter of its kind can find something in.
#[test]
fn leaves() {
    each_alternative(|what, kind, alternative| {
        let leaf = alternative.path.leaf;
        let fits = match kind {
            Kind::String => matches!(leaf, Leaf::Text | Leaf::HumanName | Leaf::Address),
            Kind::Token => matches!(
                leaf,
                Leaf::Boolean
                    | Leaf::Text
                    | Leaf::Coding
                    | Leaf::CodeableConcept
                    | Leaf::Identifier
                    | Leaf::ContactPoint
                    | Leaf::Truth
            ),
            Kind::Reference => matches!(leaf, Leaf::Reference | Leaf::Resource | Leaf::Text),
            Kind::Date => matches!(
                leaf,
                Leaf::Date | Leaf::DateTime | Leaf::Instant | Leaf::Period | Leaf::Timing
            ),
            Kind::Number => matches!(leaf, Leaf::Number | Leaf::Range),
            Kind::Quantity => matches!(
                leaf,
                Leaf::Quantity
                    | Leaf::Age
                    | Leaf::Duration
                    | Leaf::Money
                    | Leaf::Range
                    | Leaf::SampledData
            ),
            Kind::Uri => leaf == Leaf::Text,
            Kind::Composite | Kind::Special => false,
        };
        assert!(fits, "{what}: {kind} of {}", alternative.path);
    });
}
