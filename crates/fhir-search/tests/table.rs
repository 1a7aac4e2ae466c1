//! The committed tables: their counts, their digests, and what cannot be used and why.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::collections::BTreeMap;

use fhir_search::{model, table};

const FILES: [(&str, &str); 4] = [
    ("elements.txt", include_str!("../data/elements.txt")),
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
            "elements.txt 5297 95a7eda236c79cb5",
            "parameters.txt 1939 825f164794cd9469",
            "compartment-patient.txt 68 de10f7dbf474b30f",
            "compartments-hl7.txt 151 f1ee08a747631e54"
        ]
    );
}

#[test]
fn counts() {
    assert_eq!(model::resource_types().count(), 169);
    let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut refused = Vec::new();
    let lines = FILES[1].1.lines().filter(|line| !line.starts_with('#'));
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
        match &parameter.alternatives {
            Ok(alternatives) => {
                assert!(!alternatives.is_empty(), "{current} {line}");
                counts.0 += 1;
            }
            Err(reason) => {
                counts.1 += 1;
                assert!(reason.starts_with("it "), "{current} {line}");
                refused.push(format!("{current} {code}"));
            }
        }
        // Written and read again, the line is the same.
        if let Ok(alternatives) = &parameter.alternatives {
            let written: Vec<String> = alternatives
                .iter()
                .map(|found| {
                    let path = found.path.to_string();
                    let steps = path.rsplit_once(':').unwrap().0;
                    let targets = found.targets.join("|");
                    match (found.only_targets, targets.is_empty()) {
                        (true, _) => format!("{steps}:{}!{targets}", found.datatype),
                        (false, true) => format!("{steps}:{}", found.datatype),
                        (false, false) => format!("{steps}:{}({targets})", found.datatype),
                    }
                })
                .collect();
            assert_eq!(
                rest,
                format!("{code} {} {}", parameter.kind, written.join(" | "))
            );
        }
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

/// Every target that a parameter names is a resource type.
#[test]
fn targets() {
    for name in model::resource_types() {
        for code in table::codes(name) {
            let parameter = table::parameter(name, code).unwrap();
            for alternative in parameter.alternatives.unwrap_or_default() {
                for target in &alternative.targets {
                    assert!(model::is_resource_type(target), "{name} {code} {target}");
                }
            }
        }
    }
}
