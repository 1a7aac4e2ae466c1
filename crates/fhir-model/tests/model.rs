//! The table of types: its counts and digest, what R4 says of some of its types, and what holds for all of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::collections::{BTreeMap, BTreeSet};

use fhir_model::{ElementDef, Kind, TypeId, resource_types};

fn named(name: &str) -> TypeId {
    TypeId::named(name).unwrap_or_else(|| panic!("no type {name}"))
}

fn element(parent: &str, name: &str) -> ElementDef {
    let parent = TypeId::at(parent).unwrap_or_else(|| panic!("no type {parent}"));
    parent
        .element(name)
        .unwrap_or_else(|| panic!("no element {parent}.{name}"))
}

fn names(types: &[TypeId]) -> Vec<&'static str> {
    types.iter().map(|found| found.path()).collect()
}

#[test]
fn digest_and_counts() {
    let text = include_str!("../data/elements.txt");
    let digest = &blake3::hash(text.as_bytes()).to_hex()[..16];
    assert_eq!((text.lines().count(), digest), (5298, "eea960bcea261cc3"));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for found in TypeId::all() {
        *counts.entry(format!("{:?}", found.kind())).or_default() += 1;
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(kind, n)| format!("{kind} {n}"))
        .collect();
    assert_eq!(
        counts,
        ["Backbone 507", "Complex 42", "Primitive 21", "Resource 171"]
    );
    assert_eq!(resource_types().count(), 169);
    let written = text.lines().filter(|line| line.starts_with(' ')).count();
    let distinct: BTreeSet<*const u8> = TypeId::all()
        .flat_map(TypeId::elements)
        .map(|element| element.name().as_ptr())
        .collect();
    assert_eq!(written, distinct.len());
}

/// R4's hierarchy, and what it says of some elements.
#[test]
fn hierarchy() {
    for (name, chain) in [
        ("code", "code string Element"),
        ("id", "id string Element"),
        ("markdown", "markdown string Element"),
        ("positiveInt", "positiveInt integer Element"),
        ("unsignedInt", "unsignedInt integer Element"),
        ("canonical", "canonical uri Element"),
        ("url", "url uri Element"),
        ("uuid", "uuid uri Element"),
        ("oid", "oid uri Element"),
        ("dateTime", "dateTime Element"),
        ("xhtml", "xhtml Element"),
        ("Age", "Age Quantity Element"),
        ("Count", "Count Quantity Element"),
        ("Distance", "Distance Quantity Element"),
        ("Duration", "Duration Quantity Element"),
        ("Timing", "Timing BackboneElement Element"),
        ("HumanName", "HumanName Element"),
        ("Bundle", "Bundle Resource"),
        ("Patient", "Patient DomainResource Resource"),
        ("Cron", "Cron DomainResource Resource"),
        ("ViewDefinition", "ViewDefinition DomainResource Resource"),
    ] {
        let ancestors: Vec<_> = std::iter::successors(Some(named(name)), |it| it.base())
            .map(TypeId::name)
            .collect();
        assert_eq!(ancestors.join(" "), chain);
    }
    let contact = TypeId::at("Patient.contact").unwrap();
    assert_eq!(contact.name(), "BackboneElement");
    assert_eq!(contact.path(), "Patient.contact");
    assert_eq!(contact.kind(), Kind::Backbone);
    assert!(contact.is_a(named("BackboneElement")) && contact.is_a(named("Element")));
    assert!(!contact.is_a(named("Patient")) && !contact.is_abstract());
    assert_eq!(TypeId::at("Timing.repeat").unwrap().name(), "Element");
    for name in ["Patient.name", "Patient.nmae", "patient", "", "Patient."] {
        assert_eq!(TypeId::at(name), None, "{name}");
    }
    let abstracts: Vec<_> = TypeId::all().filter(|it| it.is_abstract()).collect();
    assert_eq!(
        names(&abstracts),
        ["BackboneElement", "DomainResource", "Element", "Resource"]
    );
    let unknown: Vec<_> = TypeId::all().filter(|it| !it.is_described()).collect();
    assert_eq!(
        names(&unknown),
        [
            "Cron",
            "Enterprise",
            "Package",
            "PackageInstallation",
            "PackageRelease"
        ]
    );
}

#[test]
fn elements() {
    for (parent, name, repeats, types) in [
        ("Patient", "name", true, "HumanName"),
        ("Patient", "id", false, "id"),
        ("Patient", "meta", false, "Meta"),
        ("Patient", "contained", true, "Resource"),
        ("Patient", "contact", true, "Patient.contact"),
        ("Patient.contact", "id", false, "string"),
        ("Patient.contact", "modifierExtension", true, "Extension"),
        ("HumanName", "id", false, "string"),
        ("HumanName", "given", true, "string"),
        ("string", "extension", true, "Extension"),
        ("Extension", "url", false, "uri"),
        ("Narrative", "div", false, "xhtml"),
        ("Patient", "deceased", false, "boolean dateTime"),
        ("Questionnaire.item", "item", true, "Questionnaire.item"),
        (
            "ValueSet.compose",
            "exclude",
            true,
            "ValueSet.compose.include",
        ),
        ("Project", "secret", true, "Project.setting"),
        ("Bundle.entry", "resource", false, "Resource"),
        ("Cron", "id", false, "id"),
    ] {
        let found = element(parent, name);
        assert_eq!(found.name(), name);
        assert_eq!(found.repeats(), repeats, "{parent}.{name}");
        assert_eq!(names(found.types()).join(" "), types, "{parent}.{name}");
    }
    let patient = named("Patient");
    for name in [
        "",
        "Name",
        "nmae",
        "deceasedBoolean",
        "deceased[x]",
        "resourceType",
        "name*",
    ] {
        assert_eq!(patient.element(name), None, "{name}");
    }
    let order: Vec<_> = patient.elements().iter().map(|it| it.name()).collect();
    assert_eq!(
        order[..10],
        [
            "id",
            "meta",
            "implicitRules",
            "language",
            "text",
            "contained",
            "extension",
            "modifierExtension",
            "identifier",
            "active"
        ]
    );
    assert_eq!(
        names(element("Patient", "generalPractitioner").references()),
        ["Organization", "Practitioner", "PractitionerRole"]
    );
    assert!(element("Basic", "subject").references().is_empty());
}

#[test]
fn choices() {
    let observation = named("Observation");
    let value = observation.element("value").unwrap();
    assert!(value.is_choice());
    assert_eq!(value.types().len(), 11);
    assert_eq!(
        value.members().next(),
        Some(("valueQuantity", named("Quantity")))
    );
    assert_eq!(value.member("valueDateTime"), Some(named("dateTime")));
    assert_eq!(
        observation.choice_of("valueDateTime"),
        Some((value, named("dateTime")))
    );
    for name in [
        "value",
        "valueAge",
        "valuequantity",
        "valueQuantity2",
        "Quantity",
        "",
    ] {
        assert_eq!(value.member(name), None, "{name}");
        assert_eq!(observation.choice_of(name), None, "{name}");
    }
    // An element beside a choice whose name starts like it is none of its members.
    assert_eq!(observation.choice_of("status"), None);
    let extension = named("Extension").element("value").unwrap();
    assert_eq!(extension.types().len(), 50);
}

/// What holds for every type.
#[test]
fn all_types() {
    let root = [named("Element"), named("Resource")];
    for found in TypeId::all() {
        assert_eq!(TypeId::at(found.path()), Some(found), "{found}");
        assert_eq!(found.base().is_none(), root.contains(&found), "{found}");
        assert!(
            root.iter().filter(|it| found.is_a(**it)).count() == 1,
            "{found}"
        );
        match found.kind() {
            Kind::Backbone => assert_eq!(Some(named(found.name())), found.base()),
            _ => assert_eq!(TypeId::named(found.name()), Some(found)),
        }
        assert_eq!(
            found.kind() == Kind::Resource,
            found.is_a(named("Resource")),
            "{found}"
        );
        let mut seen = BTreeSet::new();
        for element in found.elements() {
            let what = format!("{found}.{}", element.name());
            assert!(seen.insert(element.name()), "{what} twice");
            assert_eq!(found.element(element.name()), Some(*element), "{what}");
            assert!(!element.types().is_empty(), "{what}");
            assert_eq!(element.types().len() > 1, element.is_choice(), "{what}");
            let reference = element.types().contains(&named("Reference"));
            assert!(reference || element.references().is_empty(), "{what}");
            assert!(
                element
                    .references()
                    .iter()
                    .all(|it| it.kind() == Kind::Resource),
                "{what}"
            );
            let members = if element.is_choice() {
                element.types().len()
            } else {
                0
            };
            assert_eq!(element.members().len(), members, "{what}");
            for (name, type_id) in element.members() {
                assert!(seen.insert(name), "{what} {name}");
                assert!(name.starts_with(element.name()), "{what} {name}");
                assert!(element.types().contains(&type_id), "{what} {name}");
                assert_eq!(element.member(name), Some(type_id), "{what} {name}");
                assert_eq!(found.choice_of(name), Some((*element, type_id)), "{what}");
                assert_eq!(found.element(name), None, "{what} {name}");
            }
        }
        if let Some(base) = found.base() {
            let inherited = base.elements().iter().map(|it| it.name());
            assert!(
                inherited.into_iter().all(|it| found.element(it).is_some()),
                "{found}"
            );
        }
    }
}

/// `is_a` is a partial order.
#[test]
fn order() {
    let all: Vec<TypeId> = TypeId::all()
        .filter(|it| it.kind() != Kind::Backbone)
        .collect();
    for a in &all {
        assert!(a.is_a(*a));
        for b in all.iter().filter(|b| a.is_a(**b)) {
            assert!(a == b || !b.is_a(*a), "{a} {b}");
            for c in all.iter().filter(|c| b.is_a(**c)) {
                assert!(a.is_a(*c), "{a} {b} {c}");
            }
        }
    }
}

/// Every word of the text is understood: what it names is there.
#[test]
fn nothing_is_lost() {
    let mut path: Vec<&str> = Vec::new();
    for line in include_str!("../data/elements.txt").lines() {
        let depth = line.len() - line.trim_start().len();
        let mut words = line.trim_start().split(' ');
        let first = words.next().unwrap();
        if depth == 0 {
            let name = words.next().unwrap();
            let base = words.next().unwrap();
            if first != "#" {
                path = vec![name];
                let base = Some(base).filter(|base| *base != "-").map(named);
                assert_eq!(named(name).base(), base, "{line}");
            }
            continue;
        }
        path.truncate(depth);
        let plain = first.trim_end_matches('*').trim_end_matches("[x]");
        let found = element(&path.join("."), plain);
        path.push(plain);
        let mut written: Vec<String> = Vec::new();
        for found in found.types() {
            let targets = names(found_targets(found, &path));
            written.push(match (found.kind(), targets.is_empty()) {
                (Kind::Backbone, _) if found.path() == path.join(".") => found.name().to_owned(),
                (Kind::Backbone, _) => format!("#{}", found.path()),
                (_, true) => found.name().to_owned(),
                (_, false) => format!("{}({})", found.name(), targets.join("|")),
            });
        }
        let marks = [("[x]", found.is_choice()), ("*", found.repeats())];
        let marks: String = marks
            .iter()
            .filter(|(_, has)| *has)
            .map(|(mark, _)| *mark)
            .collect();
        assert_eq!(
            line.trim_start(),
            format!("{plain}{marks} {}", written.join(" "))
        );
    }
}

/// The targets of the element at `path`, if `found` is `Reference`.
fn found_targets(found: &TypeId, path: &[&str]) -> &'static [TypeId] {
    if found.name() != "Reference" {
        return &[];
    }
    let (name, parent) = path.split_last().unwrap();
    element(&parent.join("."), name).references()
}
