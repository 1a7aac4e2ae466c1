//! Names of resource types, and the names that misspelt ones were meant to be.

use crate::types::{Kind, TypeId};

/// Whether `name` is a resource type of FHIR R4 or one of Medplum's own (`AccessPolicy`, `Project`, `Bot`, …).
/// Abstract types, which no document has, are not.
pub fn is_resource_type(name: &str) -> bool {
    resource_type(name).is_some()
}

/// The resource type of this name, with a name that lives as long as the program.
pub fn resource_type(name: &str) -> Option<&'static str> {
    TypeId::named(name)
        .filter(|it| is_concrete_resource(*it))
        .map(TypeId::name)
}

/// All resource types, in alphabetical order.
pub fn resource_types() -> impl Iterator<Item = &'static str> {
    TypeId::all()
        .filter(|it| is_concrete_resource(*it))
        .map(TypeId::name)
}

/// The resource type that was probably meant by `name`.
pub fn similar_resource_type(name: &str) -> Option<&'static str> {
    similar(name, resource_types())
}

/// The candidate that is nearest to a misspelt name, if any is near. Takes time with the candidates' lengths only:
/// names of more than 64 bytes are like none.
pub fn similar<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Long names are not misspelt ones, and the distance costs their product.
    if name.len() > 64 {
        return None;
    }
    let most = (name.chars().count() / 3).clamp(1, 4);
    let name = name.to_lowercase();
    candidates
        .map(|candidate| {
            (
                strsim::osa_distance(&name, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

fn is_concrete_resource(found: TypeId) -> bool {
    found.kind() == Kind::Resource && !found.is_abstract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        for name in [
            "Patient",
            "Observation",
            "AccessPolicy",
            "Bot",
            "Cron",
            "PackageRelease",
            "Enterprise",
            "ViewDefinition",
        ] {
            assert!(is_resource_type(name), "{name}");
        }
        for name in [
            "Resource",
            "DomainResource",
            "HumanName",
            "patient",
            "",
            "*",
            "Base",
        ] {
            assert!(!is_resource_type(name), "{name}");
        }
        assert_eq!(similar_resource_type("Pateint"), Some("Patient"));
        assert_eq!(similar_resource_type("Xyzzy"), None);
        assert_eq!(similar_resource_type(&"Patient".repeat(1_000)), None);
        assert!(resource_types().is_sorted());
    }
}
