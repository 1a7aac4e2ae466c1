//! The R4 compartment definitions: which parameters of which types put a resource into a compartment.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::table::{self, Alternative};

static SOURCES: [&str; 2] = [
    include_str!("../data/compartment-patient.txt"),
    include_str!("../data/compartments-hl7.txt"),
];

/// Compartment type → resource type → the references that count.
type Definitions = BTreeMap<&'static str, BTreeMap<&'static str, Vec<Alternative>>>;

static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(|| {
    let mut definitions = Definitions::new();
    let mut compartment = "";
    for line in SOURCES.iter().flat_map(|source| source.lines()) {
        match line.strip_prefix(' ').and_then(|line| line.split_once(' ')) {
            Some((name, codes)) => {
                let found = read(compartment, name, codes);
                definitions
                    .entry(compartment)
                    .or_default()
                    .insert(name, found);
            }
            None if line.starts_with('#') => {}
            None => compartment = line,
        }
    }
    definitions
});

fn read(compartment: &str, resource_type: &str, codes: &str) -> Vec<Alternative> {
    let mut found: Vec<Alternative> = Vec::new();
    for code in codes.split(' ') {
        let parameter = table::parameter(resource_type, code);
        let elements = parameter
            .iter()
            .flat_map(|found| found.elements().iter().cloned());
        for alternative in elements {
            let takes = !alternative.only_targets || alternative.targets.contains(&compartment);
            let known = found.iter().any(|other| other.path == alternative.path);
            if alternative.datatype == "Reference" && takes && !known {
                found.push(alternative);
            }
        }
    }
    found
}

/// The types that have a compartment definition, sorted.
pub fn types() -> impl Iterator<Item = &'static str> {
    DEFINITIONS.keys().copied()
}

/// The references of `resource_type` that put a resource into a compartment of type `compartment`.
pub fn references(compartment: &str, resource_type: &str) -> &'static [Alternative] {
    DEFINITIONS
        .get(compartment)
        .and_then(|types| types.get(resource_type))
        .map_or(&[], Vec::as_slice)
}

/// The references of `resource_type` that put a resource into a patient's compartment. Those of the type that was asked for last are
/// at hand: one row after the other is of the same.
pub fn of_patient(resource_type: &str) -> &'static [Alternative] {
    thread_local! {
        static LAST: Cell<(&'static str, &'static [Alternative])> = const { Cell::new(("", &[])) };
    }
    let (last, known) = LAST.get();
    if last == resource_type {
        return known;
    }
    let types = DEFINITIONS.get("Patient");
    match types.and_then(|types| types.get_key_value(resource_type)) {
        Some((name, found)) => {
            LAST.set((name, found));
            found
        }
        None => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_patients() {
        for name in [
            "Observation",
            "Group",
            "Observation",
            "Organization",
            "",
            "Patient",
        ] {
            assert_eq!(of_patient(name), references("Patient", name), "{name}");
        }
    }

    #[test]
    fn definitions() {
        let all: Vec<_> = types().collect();
        assert_eq!(
            all,
            [
                "Device",
                "Encounter",
                "Patient",
                "Practitioner",
                "RelatedPerson"
            ]
        );
        let paths = |compartment, name| -> Vec<String> {
            let found = references(compartment, name);
            found.iter().map(|found| found.path.to_string()).collect()
        };
        assert_eq!(
            paths("Patient", "Observation"),
            ["subject:Reference", "performer*:Reference"]
        );
        assert_eq!(paths("Patient", "Patient"), ["link*.other:Reference"]);
        assert_eq!(paths("Patient", "Encounter"), ["subject:Reference"]);
        assert_eq!(
            paths("Practitioner", "Patient"),
            ["generalPractitioner*:Reference"]
        );
        assert_eq!(paths("Device", "Claim").len(), 4);
        assert!(paths("Patient", "Organization").is_empty());
        assert!(paths("Organization", "Patient").is_empty());
    }

    /// Every parameter that a definition names exists and is a reference.
    #[test]
    fn complete() {
        for source in SOURCES {
            let mut compartment = "";
            for line in source.lines().filter(|line| !line.starts_with('#')) {
                let Some((name, codes)) =
                    line.strip_prefix(' ').and_then(|line| line.split_once(' '))
                else {
                    compartment = line;
                    continue;
                };
                for code in codes.split(' ') {
                    let found = read(compartment, name, code);
                    assert!(!found.is_empty(), "{compartment}: {name} {code}");
                }
            }
        }
    }
}
