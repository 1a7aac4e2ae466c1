//! Documents in memory for the tests.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::rc::Rc;

use access_policy::fields::FieldSet;
use access_policy::{
    AccessError, AccessPolicy, DocumentSource, EffectiveAccess, Interaction, Project,
    ProjectMembership, Settings, resolve,
};
use fhir_search::{Binding, Bindings, Criteria, Predicate};

/// Documents by id; parsed whenever they are asked for, as a store would do on a cache miss.
#[derive(Default)]
pub struct Documents {
    policies: HashMap<String, String>,
    projects: HashMap<String, String>,
    memberships: HashMap<String, String>,
}

impl Documents {
    /// Adds documents of any of the three types; each must have an id.
    pub fn with(mut self, documents: &[&str]) -> Self {
        for text in documents {
            let json: serde_json::Value =
                serde_json::from_str(text).expect("test documents are JSON");
            let id = json["id"]
                .as_str()
                .expect("test documents have ids")
                .to_owned();
            let map = match json["resourceType"].as_str() {
                Some("AccessPolicy") => &mut self.policies,
                Some("Project") => &mut self.projects,
                Some("ProjectMembership") => &mut self.memberships,
                other => panic!("unexpected document {other:?}"),
            };
            map.insert(id, (*text).to_owned());
        }
        self
    }

    /// The effective access of a membership given as JSON.
    pub fn resolve(&self, membership: &str) -> Result<EffectiveAccess, AccessError> {
        self.resolve_under(&Settings::default(), membership)
    }

    /// The same, under these settings.
    pub fn resolve_under(
        &self,
        settings: &Settings,
        membership: &str,
    ) -> Result<EffectiveAccess, AccessError> {
        resolve(
            self,
            &ProjectMembership::parse(membership).unwrap(),
            settings,
        )
    }
}

impl DocumentSource for Documents {
    fn policy(&self, id: &str) -> Result<Option<Rc<AccessPolicy>>, AccessError> {
        let parse = |text: &String| {
            AccessPolicy::parse(text)
                .map(Rc::new)
                .map_err(|findings| AccessError::invalid(format!("AccessPolicy/{id}"), &findings))
        };
        self.policies.get(id).map(parse).transpose()
    }

    fn project(&self, id: &str) -> Result<Option<Rc<Project>>, AccessError> {
        let parse = |text: &String| {
            Project::parse(text)
                .map(Rc::new)
                .map_err(|findings| AccessError::invalid(format!("Project/{id}"), &findings))
        };
        self.projects.get(id).map(parse).transpose()
    }

    fn membership(&self, id: &str) -> Result<Option<Rc<ProjectMembership>>, AccessError> {
        let parse = |text: &String| {
            ProjectMembership::parse(text)
                .map(Rc::new)
                .map_err(|findings| {
                    AccessError::invalid(format!("ProjectMembership/{id}"), &findings)
                })
        };
        self.memberships.get(id).map(parse).transpose()
    }
}

struct Nothing;

impl Bindings for Nothing {
    fn get(&self, _: &str) -> Option<Binding> {
        None
    }
}

/// What a criteria without variables means.
pub fn literal(criteria: &str) -> Predicate {
    let resource_type = criteria.split('?').next().unwrap();
    literal_for(resource_type, criteria)
}

/// What a criteria without variables means for a type.
pub fn literal_for(resource_type: &str, criteria: &str) -> Predicate {
    Criteria::parse(criteria.split('?').next().unwrap(), criteria)
        .unwrap()
        .bind_for(resource_type, &Nothing)
        .unwrap()
}

/// The predicates of the entries that apply, in order.
pub fn predicates(
    access: &EffectiveAccess,
    resource_type: &str,
    interaction: Interaction,
) -> Vec<Predicate> {
    access
        .entries_for(resource_type, interaction)
        .unwrap()
        .into_iter()
        .map(|grant| grant.predicate.into_owned())
        .collect()
}

/// The interactions that some entry allows on the type, on whichever rows.
pub fn allowed(access: &EffectiveAccess, resource_type: &str) -> String {
    Interaction::ALL
        .into_iter()
        .filter(|interaction| {
            !access
                .entries_for(resource_type, *interaction)
                .unwrap()
                .is_empty()
        })
        .map(Interaction::code)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The paths of a field set, sorted.
pub fn fields(set: &FieldSet) -> String {
    let mut paths = set.paths();
    paths.sort();
    paths.join(",")
}
