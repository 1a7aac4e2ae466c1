//! The stored documents: read by id past privileges and row security, parsed once per backend.

use crate::catalog::{Catalog, catalog};
use crate::error::Result;
use crate::node::row::JsonbDatum;
use crate::node::scan::{self, Key};
use crate::settings;
use access_policy::{AccessError, AccessPolicy, DocumentSource, Project, ProjectMembership};
use pgrx::prelude::*;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// How many parsed policies and projects a backend keeps, of each.
const KEPT_DOCUMENTS: usize = 512;

#[derive(Default)]
struct Parsed {
    policies: HashMap<String, Rc<AccessPolicy>>,
    projects: HashMap<String, Rc<Project>>,
}

thread_local! {
    static PARSED: RefCell<Parsed> = RefCell::new(Parsed::default());
}

/// Forgets all parsed documents.
pub fn forget() {
    PARSED.with(|parsed| {
        if let Ok(mut parsed) = parsed.try_borrow_mut() {
            *parsed = Parsed::default();
        }
    });
}

/// Is `text` a FHIR id: 1 to 64 letters, digits, `-` and `.`?
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

/// The membership that the setting names: a document in the setting itself, or a stored one.
pub fn membership(setting: &str) -> Result<ProjectMembership> {
    if setting.starts_with('{') {
        return ProjectMembership::parse(setting).map_err(|findings| {
            AccessError::invalid("the ProjectMembership in fhir_access.membership", &findings)
                .into()
        });
    }
    let id = setting
        .strip_prefix("ProjectMembership/")
        .unwrap_or(setting);
    let stored = text_of(id, |catalog| catalog.project_membership)
        .ok_or_else(|| AccessError::UnknownMembership { id: id.to_owned() })?;
    Ok(stored_membership(id, &stored)?)
}

fn stored_membership(id: &str, text: &str) -> std::result::Result<ProjectMembership, AccessError> {
    ProjectMembership::parse(text)
        .map_err(|findings| AccessError::invalid(format!("ProjectMembership/{id}"), &findings))
}

fn text_of(id: &str, table: impl FnOnce(&Catalog) -> pg_sys::Oid) -> Option<String> {
    let catalog = catalog()?;
    scan::by_key(table(&catalog), Key::Text(id), |columns| {
        // SAFETY: the second column of the document tables is a jsonb, not null.
        unsafe {
            let resource = JsonbDatum::new(columns.get(1).copied().flatten()?);
            resource.value().ok().map(jsonb::to_json)
        }
    })
    .flatten()
}

/// The project of a stored policy: its `meta.project`.
pub fn project_of_policy(id: &str) -> Option<String> {
    scan::by_key(catalog()?.access_policy, Key::Text(id), |columns| {
        // SAFETY: the second column of the document tables is a jsonb, not null.
        let resource = unsafe { JsonbDatum::new(columns.get(1).copied().flatten()?) };
        let meta = resource.value().ok()?.as_object()?.get("meta")?;
        meta.as_object()?
            .get("project")?
            .as_str()
            .map(str::to_owned)
    })
    .flatten()
}

/// The document tables, for `access_policy::resolve`.
pub struct Stored;

impl DocumentSource for Stored {
    fn policy(&self, id: &str) -> std::result::Result<Option<Rc<AccessPolicy>>, AccessError> {
        if let Some(policy) = PARSED.with_borrow(|parsed| parsed.policies.get(id).cloned()) {
            return Ok(Some(policy));
        }
        let Some(text) = text_of(id, |catalog| catalog.access_policy) else {
            return Ok(None);
        };
        let policy = AccessPolicy::parse_with(&text, &settings::fhirpath_limits())
            .map(Rc::new)
            .map_err(|findings| AccessError::invalid(format!("AccessPolicy/{id}"), &findings))?;
        PARSED.with_borrow_mut(|parsed| keep(&mut parsed.policies, id, &policy));
        Ok(Some(policy))
    }

    fn project(&self, id: &str) -> std::result::Result<Option<Rc<Project>>, AccessError> {
        if let Some(project) = PARSED.with_borrow(|parsed| parsed.projects.get(id).cloned()) {
            return Ok(Some(project));
        }
        let Some(text) = text_of(id, |catalog| catalog.project) else {
            return Ok(None);
        };
        let project = Project::parse(&text)
            .map(Rc::new)
            .map_err(|findings| AccessError::invalid(format!("Project/{id}"), &findings))?;
        PARSED.with_borrow_mut(|parsed| keep(&mut parsed.projects, id, &project));
        Ok(Some(project))
    }

    fn membership(
        &self,
        id: &str,
    ) -> std::result::Result<Option<Rc<ProjectMembership>>, AccessError> {
        text_of(id, |catalog| catalog.project_membership)
            .map(|text| stored_membership(id, &text).map(Rc::new))
            .transpose()
    }
}

fn keep<T>(kept: &mut HashMap<String, Rc<T>>, id: &str, document: &Rc<T>) {
    if kept.len() >= KEPT_DOCUMENTS {
        kept.clear();
    }
    kept.insert(id.to_owned(), Rc::clone(document));
}
