//! Entries that no policy writes: the whole project without a policy, what is readable by default, and the fixed sets
//! of administrators.

use std::cell::OnceCell;
use std::rc::Rc;

use fhir_search::Criteria;

use super::{EffectiveAccess, Entry, Origin, bind, constant};
use crate::admin_types::ADMIN_TYPES;
use crate::entry::{Criterion, PolicyEntry, TypeSelector};
use crate::error::AccessError;
use crate::fields::FieldSet;
use crate::interaction::Interactions;
use crate::parameters::Parameters;

/// Types that everybody may read unless an entry names them.
const READABLE: [&str; 2] = ["SearchParameter", "StructureDefinition"];

const PROJECT_READONLY: [&str; 3] = ["features", "link", "systemSetting"];
const PROJECT_HIDDEN: [&str; 3] = ["superAdmin", "systemSecret", "strictMode"];
/// An administrator sees of a linked project neither its settings nor its secrets.
const LINKED_PROJECT_HIDDEN: [&str; 6] = [
    "superAdmin",
    "systemSecret",
    "strictMode",
    "setting",
    "systemSetting",
    "secret",
];

/// Appends the built-in entries to those of the policies.
pub(super) fn append(access: &mut EffectiveAccess, no_policy: bool) -> Result<(), AccessError> {
    if no_policy {
        let all = Definition::new("*", Interactions::ALL).entry(Origin::NoPolicy)?;
        access.entries.push(all);
    }
    for resource_type in READABLE {
        if !is_named(access, resource_type) {
            let entry =
                Definition::new(resource_type, Interactions::READ).entry(Origin::Default)?;
            access.entries.push(entry);
        }
    }
    if access.super_admin {
        for resource_type in ADMIN_TYPES {
            if !is_named(access, resource_type) {
                let entry =
                    Definition::new(resource_type, Interactions::ALL).entry(Origin::SuperAdmin)?;
                access.entries.push(entry);
            }
        }
    } else if access.admin
        && let Some(project) = access.project.clone()
    {
        for definition in administrator(access, &project) {
            access.entries.push(definition.entry(Origin::Admin)?);
        }
    }
    Ok(())
}

fn is_named(access: &EffectiveAccess, resource_type: &str) -> bool {
    access
        .entries
        .iter()
        .any(|entry| entry.resource_type() == resource_type)
}

/// The fixed set of an administrator of the project.
fn administrator(access: &EffectiveAccess, project: &str) -> Vec<Definition> {
    let mut set = Vec::new();
    if !access.links.is_empty() {
        // Before the entry for every project: the first that grants decides what is hidden.
        let ids: Vec<&str> = access.links.iter().map(|link| link.id.as_str()).collect();
        set.push(
            Definition::new("Project", Interactions::READ)
                .criteria(format!("Project?_id={}", ids.join(",")))
                .hidden(&LINKED_PROJECT_HIDDEN),
        );
    }
    let own = |resource_type: &'static str, interactions| {
        Definition::new(resource_type, interactions)
            .criteria(format!("{resource_type}?_project={project}"))
    };
    set.extend([
        Definition::new("Project", Interactions::READ)
            .hidden(&PROJECT_HIDDEN)
            .readonly(&PROJECT_READONLY),
        Definition::new("Project", Interactions::ALL_BUT_DELETE)
            .criteria(format!("Project?_id={project}"))
            .hidden(&PROJECT_HIDDEN)
            .readonly(&PROJECT_READONLY),
        Definition::new("ProjectMembership", Interactions::ALL)
            .criteria(format!("ProjectMembership?project=Project/{project}"))
            .readonly(&["project", "user"]),
        own("UserSecurityRequest", Interactions::READ),
        own("User", Interactions::ALL)
            .hidden(&["passwordHash", "mfaSecret"])
            .readonly(&["email", "emailVerified", "mfaEnrolled", "project"]),
        Definition::new("Package", Interactions::READ),
        Definition::new("PackageRelease", Interactions::READ),
        Definition::new("PackageInstallation", Interactions::READ),
    ]);
    set
}

/// A built-in entry before it is made.
struct Definition {
    resource_type: &'static str,
    interactions: Interactions,
    criteria: Option<String>,
    hidden: Vec<String>,
    readonly: Vec<String>,
}

impl Definition {
    fn new(resource_type: &'static str, interactions: Interactions) -> Self {
        Definition {
            resource_type,
            interactions,
            criteria: None,
            hidden: Vec::new(),
            readonly: Vec::new(),
        }
    }

    fn criteria(mut self, text: String) -> Self {
        self.criteria = Some(text);
        self
    }

    fn hidden(mut self, fields: &[&str]) -> Self {
        self.hidden = fields.iter().map(|field| (*field).to_owned()).collect();
        self
    }

    fn readonly(mut self, fields: &[&str]) -> Self {
        self.readonly = fields.iter().map(|field| (*field).to_owned()).collect();
        self
    }

    fn entry(self, origin: Origin) -> Result<Entry, AccessError> {
        let unusable = || AccessError::NotApplicable {
            place: origin.to_string(),
            resource_type: self.resource_type.to_owned(),
        };
        let mut criteria = Vec::new();
        if let Some(text) = &self.criteria {
            criteria.push(Criterion {
                property: "criteria",
                text: text.clone(),
                parsed: Criteria::parse(self.resource_type, text).map_err(|_| unusable())?,
            });
        }
        let parameters = Rc::new(Parameters::default());
        let bound = bind(&criteria, self.resource_type, &parameters).map_err(|_| unusable())?;
        let resource_type = match self.resource_type {
            "*" => TypeSelector::Any,
            name => TypeSelector::Named(name.to_owned()),
        };
        let definition = PolicyEntry {
            resource_type,
            interactions: self.interactions,
            hidden: FieldSet::parse(&self.hidden).map_err(|_| unusable())?,
            readonly: FieldSet::parse(&self.readonly).map_err(|_| unusable())?,
            constraints: Rc::new([]),
            criteria,
        };
        Ok(Entry {
            origin,
            parameters,
            definition: Rc::new(definition),
            always: constant(&bound),
            bound: OnceCell::from(bound),
            depends_on_type: false,
        })
    }
}
