//! A membership and the documents it names → effective access.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use fhir_search::{BindError, Criteria};

use super::builtin;
use super::{EffectiveAccess, Entry, LinkedProject, Origin, RuleRef, bind, constant};
use crate::admin_types::{is_admin_type, is_closed_type};
use crate::constraint;
use crate::entry::{PolicyEntry, TypeSelector};
use crate::error::{AccessError, VariableUse};
use crate::membership::{Access, ProjectMembership};
use crate::parameters::{ParameterValue, Parameters};
use crate::policy::AccessPolicy;
use crate::project::Project;
use crate::template::TemplateError;

/// Entries that one session may have, over all instances.
const MAX_ENTRIES: usize = 20_000;
/// Bytes of criteria after substitution, over all instances, and of constraints that one session may have.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Values in criteria that one session may have after substitution, over all instances: each becomes a part of a
/// predicate.
const MAX_VALUES: usize = 50_000;

/// Bytes of hidden and readonly fields that the policies of one session may have. All that any of them hides is gathered in
/// one set, for each statement that reads a row.
const MAX_FIELDS: usize = 1024 * 1024;

/// Where validated documents come from.
pub trait DocumentSource {
    /// The policy with the id, if it exists.
    ///
    /// # Errors
    /// [`AccessError::InvalidDocument`] when it does not validate, [`AccessError::Source`] when it cannot be read.
    fn policy(&self, id: &str) -> Result<Option<Rc<AccessPolicy>>, AccessError>;

    /// The project with the id, if it exists.
    ///
    /// # Errors
    /// As for [`Self::policy`].
    fn project(&self, id: &str) -> Result<Option<Rc<Project>>, AccessError>;

    /// The membership with the id, if it exists.
    ///
    /// # Errors
    /// As for [`Self::policy`].
    fn membership(&self, id: &str) -> Result<Option<Rc<ProjectMembership>>, AccessError>;
}

/// Settings that change the meaning of documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// Refuse a membership that has no policy, instead of giving it all types of its project.
    pub require_policy: bool,
    /// Hide the narrative of whatever has something else hidden, too.
    pub hide_narrative: bool,
}

/// The effective access of the stored membership with the id.
///
/// # Errors
/// [`AccessError::UnknownMembership`], and those of [`resolve`].
pub fn resolve_id(
    source: &dyn DocumentSource,
    membership: &str,
    settings: &Settings,
) -> Result<EffectiveAccess, AccessError> {
    match source.membership(membership)? {
        Some(document) => resolve(source, &document, settings),
        None => Err(AccessError::UnknownMembership {
            id: membership.to_owned(),
        }),
    }
}

/// The effective access of a membership: `accessPolicy`, then `access[]`, in order, each instance under its own
/// parameters; then what is readable by default, and what an administrator has.
///
/// # Errors
/// When the membership is not active, names a project or policy that is missing or invalid, has no policy although one
/// is required, or a variable is undefined or has a value that does not fit. Nothing of the access is usable then.
pub fn resolve(
    source: &dyn DocumentSource,
    membership: &ProjectMembership,
    settings: &Settings,
) -> Result<EffectiveAccess, AccessError> {
    if !membership.active {
        return Err(AccessError::Inactive {
            membership: membership.label(),
        });
    }
    let (super_admin, links) = read_project(source, membership)?;
    if membership.access.is_empty() && settings.require_policy {
        return Err(AccessError::NoPolicy {
            membership: membership.label(),
        });
    }
    let mut resolution = Resolution {
        source,
        membership,
        policies: HashMap::new(),
        size: (0, 0),
        fields: 0,
        access: EffectiveAccess {
            membership: membership.id.clone(),
            profile: membership.profile.clone(),
            project: membership.project.clone(),
            links,
            admin: membership.admin,
            super_admin,
            compartment: None,
            policies: Vec::new(),
            entries: Vec::new(),
            ip_rules: Vec::new(),
            hide_narrative: settings.hide_narrative,
            inside: Default::default(),
        },
    };
    for access in &membership.access {
        resolution.add(access)?;
    }
    let mut access = resolution.access;
    builtin::append(&mut access, membership.access.is_empty())?;
    Ok(access)
}

/// Whether the project administers all, and the projects it reads from. A link to a project that does not exist
/// reaches nothing.
fn read_project(
    source: &dyn DocumentSource,
    membership: &ProjectMembership,
) -> Result<(bool, Vec<LinkedProject>), AccessError> {
    let Some(id) = &membership.project else {
        return Ok((false, Vec::new()));
    };
    let project = source
        .project(id)?
        .ok_or_else(|| AccessError::MissingProject {
            membership: membership.label(),
            project: id.clone(),
        })?;
    let mut links: Vec<LinkedProject> = Vec::new();
    for link in &project.links {
        if link == id || links.iter().any(|known| known.id == *link) {
            continue;
        }
        if let Some(linked) = source.project(link)? {
            links.push(LinkedProject {
                id: link.clone(),
                exported: linked.exported.clone(),
            });
        }
    }
    Ok((project.super_admin, links))
}

/// The work in progress.
struct Resolution<'a> {
    source: &'a dyn DocumentSource,
    membership: &'a ProjectMembership,
    /// Each policy is read once.
    policies: HashMap<&'a str, (Rc<str>, Rc<AccessPolicy>)>,
    /// Bytes and values of criteria so far.
    size: (usize, usize),
    /// Bytes of hidden and readonly fields so far.
    fields: usize,
    access: EffectiveAccess,
}

impl<'a> Resolution<'a> {
    fn add(&mut self, access: &'a Access) -> Result<(), AccessError> {
        let (id, policy) = self.policy(access)?;
        let parameters = Rc::new(Parameters::new(
            access.parameters.iter().cloned(),
            self.membership.profile.as_deref(),
        ));
        for (index, definition) in policy.entries.iter().enumerate() {
            if !self.is_dropped(definition) {
                self.add_entry(access, &id, index, definition, &parameters)?;
            }
        }
        if let Some(template) = &policy.compartment {
            let bound = template.bind(&parameters).map_err(|error| {
                let variable = template.variable().unwrap_or_default().to_owned();
                let place = "compartment".to_owned();
                match error {
                    TemplateError::Undefined => self.undefined(access, place, variable),
                    TemplateError::Value => {
                        self.unfit(access, place, variable, "one reference or id".to_owned())
                    }
                }
            })?;
            self.access.compartment = Some(bound);
        }
        Ok(())
    }

    /// The policy of the instance. At its first use its IP rules are added: a second time they could not decide.
    fn policy(&mut self, access: &'a Access) -> Result<(Rc<str>, Rc<AccessPolicy>), AccessError> {
        if let Some(known) = self.policies.get(access.policy.as_str()) {
            return Ok(known.clone());
        }
        let policy =
            self.source
                .policy(&access.policy)?
                .ok_or_else(|| AccessError::MissingPolicy {
                    membership: self.membership.label(),
                    place: access.instance.to_string(),
                    policy: access.policy.clone(),
                })?;
        let id: Rc<str> = Rc::from(access.policy.as_str());
        self.access.policies.push(Rc::clone(&id));
        for (index, rule) in policy.ip_rules.iter().enumerate() {
            let place = RuleRef {
                policy: Rc::clone(&id),
                index,
            };
            self.access.ip_rules.push((place, rule.clone()));
        }
        // They are shared by all instances.
        let constraints = policy
            .entries
            .iter()
            .flat_map(|entry| entry.constraints.iter());
        for constraint in constraints {
            let bytes = constraint.expression().source().len();
            self.size.0 = self.size.0.saturating_add(bytes);
        }
        for entry in policy.entries.iter() {
            for fields in [&entry.hidden, &entry.readonly] {
                let bytes = fields.to_string().len();
                self.fields = self.fields.saturating_add(bytes);
            }
        }
        if self.access.ip_rules.len() > MAX_ENTRIES || self.fields > MAX_FIELDS {
            return Err(self.too_large());
        }
        let known = (id, policy);
        self.policies.insert(&access.policy, known.clone());
        Ok(known)
    }

    /// Entries that name an admin or closed type count only in a super admin project.
    fn is_dropped(&self, definition: &PolicyEntry) -> bool {
        match &definition.resource_type {
            TypeSelector::Any => false,
            TypeSelector::Named(name) => {
                !self.access.super_admin && (is_admin_type(name) || is_closed_type(name))
            }
        }
    }

    fn add_entry(
        &mut self,
        access: &Access,
        policy: &Rc<str>,
        index: usize,
        definition: &Rc<PolicyEntry>,
        parameters: &Rc<Parameters>,
    ) -> Result<(), AccessError> {
        let place = |property: &str| format!("resource[{index}].{property}");
        for criterion in &definition.criteria {
            let undefined = criterion
                .parsed
                .variables()
                .find(|name| parameters.value(name).is_none())
                .map(str::to_owned);
            if let Some(variable) = undefined {
                return Err(self.undefined(access, place(criterion.property), variable));
            }
            // Named here: below, all policies and parameters are counted together.
            for variable in criterion.parsed.variables() {
                let text = parameters
                    .value(variable)
                    .map_or("", ParameterValue::as_str);
                let values = text.bytes().filter(|byte| *byte == b',').count();
                let (variable, place) = (variable.to_owned(), place(criterion.property));
                if values >= Criteria::MOST_VALUES {
                    let expected = format!("at most {} values", Criteria::MOST_VALUES);
                    return Err(self.unfit(access, place, variable, expected));
                }
                if text.len() > Criteria::MOST_BYTES {
                    let expected = format!("at most {} bytes", Criteria::MOST_BYTES);
                    return Err(self.unfit(access, place, variable, expected));
                }
            }
            self.count(&criterion.text, parameters);
        }
        self.check_constraints(access, index, definition, parameters)?;
        let (bytes, values) = self.size;
        if bytes > MAX_BYTES || values > MAX_VALUES || self.access.entries.len() >= MAX_ENTRIES {
            return Err(self.too_large());
        }
        let (resource_type, depends_on_type) = match &definition.resource_type {
            TypeSelector::Named(name) => (name.as_str(), false),
            // To some type.
            TypeSelector::Any => ("Patient", !definition.criteria.is_empty()),
        };
        // Values that do not fit are found before the session is used.
        let bound = bind(&definition.criteria, resource_type, parameters).map_err(
            |(property, error)| match error {
                BindError::Undefined { variable } => {
                    self.undefined(access, place(property), variable)
                }
                BindError::Value {
                    variable, expected, ..
                } => self.unfit(access, place(property), variable, expected.to_string()),
                BindError::Type { resource_type } => AccessError::NotApplicable {
                    place: format!("AccessPolicy/{policy} {}", place(property)),
                    resource_type,
                },
            },
        )?;
        self.access.entries.push(Entry {
            origin: Origin::Policy {
                policy: Rc::clone(policy),
                index,
                instance: access.instance,
            },
            parameters: Rc::clone(parameters),
            definition: Rc::clone(definition),
            bound: OnceCell::new(),
            depends_on_type,
            always: constant(&bound).filter(|_| !depends_on_type),
        });
        Ok(())
    }

    /// Each variable of the constraints has a value, and none that would have two meanings.
    fn check_constraints(
        &self,
        access: &Access,
        index: usize,
        definition: &PolicyEntry,
        parameters: &Parameters,
    ) -> Result<(), AccessError> {
        for (number, constraint) in definition.constraints.iter().enumerate() {
            let place = || format!("resource[{index}].writeConstraint[{number}].expression");
            let is_defined = |name: &&str| parameters.value(name).is_some();
            let taken = |name: &&str| constraint::is_taken(name) && is_defined(name);
            if let Some(name) = constraint.names().find(taken) {
                let at = self.variable_use(access, place(), name.to_owned());
                return Err(AccessError::TakenVariable(at));
            }
            if let Some(name) = constraint.parameters().find(|name| !is_defined(name)) {
                return Err(self.undefined(access, place(), name.to_owned()));
            }
        }
        Ok(())
    }

    /// Adds the most that the criteria can come to: each `%` stands for at most the longest value.
    fn count(&mut self, text: &str, parameters: &Parameters) {
        let occurrences = |wanted: &[u8]| text.bytes().filter(|byte| wanted.contains(byte)).count();
        let variables = occurrences(b"%");
        let (longest, list) = parameters.longest();
        let bytes = text.len().saturating_add(variables.saturating_mul(longest));
        let values = occurrences(b",&")
            .saturating_add(1)
            .saturating_add(variables.saturating_mul(list.saturating_sub(1)));
        self.size.0 = self.size.0.saturating_add(bytes);
        self.size.1 = self.size.1.saturating_add(values);
    }

    fn undefined(&self, access: &Access, place: String, variable: String) -> AccessError {
        AccessError::UndefinedVariable(self.variable_use(access, place, variable))
    }

    fn unfit(
        &self,
        access: &Access,
        place: String,
        variable: String,
        expected: String,
    ) -> AccessError {
        AccessError::VariableValue {
            at: self.variable_use(access, place, variable),
            expected,
        }
    }

    fn variable_use(&self, access: &Access, place: String, variable: String) -> Box<VariableUse> {
        Box::new(VariableUse {
            policy: access.policy.clone(),
            place,
            variable,
            membership: self.membership.label(),
            instance: access.instance.to_string(),
        })
    }

    fn too_large(&self) -> AccessError {
        AccessError::TooLarge {
            membership: self.membership.label(),
        }
    }
}
