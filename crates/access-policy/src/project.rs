//! Project: the container that rows belong to, and the projects it can read from.

use std::collections::BTreeSet;

use fhir_search::model;
use serde_json::{Map, Value};

use crate::finding::{Finding, Findings, Path, quote};
use crate::reference::{self, similar_type};
use crate::shape::{self, ELEMENT, Kind, RESOURCE, Shape};
use crate::validate;

/// Links and exported types that one project may have.
const MAX_LINKS: usize = 1_000;

const LINK: Shape = Shape {
    own: &[("project", Kind::Reference)],
    inherited: ELEMENT,
};

const PROJECT: Shape = Shape {
    own: &[
        ("name", Kind::Text),
        ("superAdmin", Kind::Flag),
        ("link", Kind::List(MAX_LINKS)),
        ("exportedResourceType", Kind::Texts(MAX_LINKS)),
        ("identifier", Kind::Any),
        ("description", Kind::Text),
        ("strictMode", Kind::Flag),
        ("checkReferencesOnWrite", Kind::Flag),
        ("owner", Kind::Reference),
        ("features", Kind::Texts(MAX_LINKS)),
        ("defaultPatientAccessPolicy", Kind::Reference),
        ("defaultAccessPolicy", Kind::Any),
        ("defaultProfile", Kind::Any),
        ("setting", Kind::Any),
        ("secret", Kind::Any),
        ("systemSetting", Kind::Any),
        ("systemSecret", Kind::Any),
        ("site", Kind::Any),
    ],
    inherited: RESOURCE,
};

/// A validated Project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its logical id, when the document has one.
    pub id: Option<String>,
    /// Its name, for people.
    pub name: Option<String>,
    /// Whether its members administer all projects.
    pub super_admin: bool,
    /// The ids of the projects it reads from, in order.
    pub links: Vec<String>,
    /// The types that linking projects can read; `None` means all.
    pub exported: Option<BTreeSet<String>>,
}

impl Project {
    /// Reads and validates a Project.
    ///
    /// # Errors
    /// All findings, when at least one of them is an error.
    pub fn parse(json: &str) -> Result<Self, Vec<Finding>> {
        validate::typed(json, Project::read)
    }

    /// Checks the tree and makes the document; it is of use only if no error was found.
    pub(crate) fn read(document: &Map<String, Value>, findings: &mut Findings) -> Self {
        let root = Path::Root;
        PROJECT.check(document, &root, findings);
        let id = reference::own_id(document, "Project", findings);
        let at = Path::Field(&root, "link");
        let mut links = Vec::new();
        for (index, link) in shape::objects(document, "link", MAX_LINKS) {
            let at = Path::Index(&at, index);
            LINK.check(link, &at, findings);
            if !link.contains_key("project") {
                findings.error(&Path::Field(&at, "project"), "is required");
            }
            links.extend(reference::id_of(link, "project", "Project", &at, findings));
        }
        Project {
            id,
            name: shape::text(document, "name").map(str::to_owned),
            super_admin: shape::flag(document, "superAdmin").unwrap_or(false),
            links,
            exported: read_exported(document, findings),
        }
    }
}

fn read_exported(
    document: &Map<String, Value>,
    findings: &mut Findings,
) -> Option<BTreeSet<String>> {
    let root = Path::Root;
    let at = Path::Field(&root, "exportedResourceType");
    if shape::array(document, "exportedResourceType")?.is_empty() {
        // Without the property everything is exported: too much to conclude from an empty list.
        findings.error_hint(
            &at,
            "must not be an empty list",
            Some("leave it out to export all resource types".to_owned()),
        );
    }
    let mut exported = BTreeSet::new();
    for (index, name) in shape::texts(document, "exportedResourceType") {
        if model::is_resource_type(name) {
            exported.insert(name.to_owned());
        } else {
            findings.error_hint(
                &Path::Index(&at, index),
                format!("unknown resource type {}", quote(name)),
                similar_type(name),
            );
        }
    }
    Some(exported)
}
