//! ProjectMembership: who somebody is, in which project, under which policies.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use crate::constraint;
use crate::finding::{Finding, Findings, Path};
use crate::parameters::{PROFILE, ParameterValue, is_name};
use crate::reference;
use crate::shape::{self, ELEMENT, Kind, RESOURCE, Shape};
use crate::validate;

/// Instances of policies that one membership may have.
const MAX_ACCESS: usize = 20_000;
/// Parameters that one instance may have.
const MAX_PARAMETERS: usize = 1_000;

const PARAMETER: Shape = Shape {
    own: &[
        ("name", Kind::Text),
        ("valueString", Kind::Text),
        ("valueReference", Kind::Reference),
    ],
    inherited: ELEMENT,
};

const ACCESS: Shape = Shape {
    own: &[
        ("policy", Kind::Reference),
        ("parameter", Kind::List(MAX_PARAMETERS)),
    ],
    inherited: ELEMENT,
};

const PROJECT_MEMBERSHIP: Shape = Shape {
    own: &[
        ("project", Kind::Reference),
        ("user", Kind::Reference),
        ("profile", Kind::Reference),
        ("admin", Kind::Flag),
        ("active", Kind::Flag),
        ("accessPolicy", Kind::Reference),
        ("access", Kind::List(MAX_ACCESS)),
        ("identifier", Kind::Any),
        ("invitedBy", Kind::Reference),
        ("userName", Kind::Text),
        ("externalId", Kind::Text),
        ("userConfiguration", Kind::Reference),
    ],
    inherited: RESOURCE,
};

/// Which property of the membership an instance of a policy comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instance {
    /// `accessPolicy`.
    AccessPolicy,
    /// `access[n]`.
    Access(usize),
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Instance::AccessPolicy => f.write_str("accessPolicy"),
            Instance::Access(index) => write!(f, "access[{index}]"),
        }
    }
}

/// One use of a policy: `accessPolicy`, or an element of `access[]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Where it stands.
    pub instance: Instance,
    /// The id of the AccessPolicy.
    pub policy: String,
    /// Its own parameters, in order.
    pub parameters: Vec<(String, ParameterValue)>,
}

/// A validated ProjectMembership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectMembership {
    /// Its logical id, when the document has one.
    pub id: Option<String>,
    /// The id of its Project.
    pub project: Option<String>,
    /// Its profile as `Type/id`.
    pub profile: Option<String>,
    /// Whether it administers its project.
    pub admin: bool,
    /// `false` refuses the session.
    pub active: bool,
    /// `accessPolicy`, then `access[]`. Empty means that the document has neither: all types of the project.
    pub access: Vec<Access>,
}

impl ProjectMembership {
    /// Reads and validates a ProjectMembership.
    ///
    /// # Errors
    /// All findings, when at least one of them is an error. None of them holds the value of a parameter.
    pub fn parse(json: &str) -> Result<Self, Vec<Finding>> {
        validate::typed(json, ProjectMembership::read)
    }

    /// Checks the tree and makes the document; it is of use only if no error was found.
    pub(crate) fn read(document: &Map<String, Value>, findings: &mut Findings) -> Self {
        let root = Path::Root;
        PROJECT_MEMBERSHIP.check(document, &root, findings);
        let id = reference::own_id(document, "ProjectMembership", findings);
        let project = reference::id_of(document, "project", "Project", &root, findings);
        let profile = reference::any_of(document, "profile", &root, findings);
        let admin = shape::flag(document, "admin").unwrap_or(false);
        if admin && !document.contains_key("project") {
            findings.warning(
                &Path::Field(&root, "admin"),
                "has no effect on a membership that names no project",
                None,
            );
        }
        ProjectMembership {
            id,
            project,
            profile,
            admin,
            active: shape::flag(document, "active").unwrap_or(true),
            access: read_access(document, findings),
        }
    }

    /// `ProjectMembership/id`, or words for a document without an id.
    pub fn label(&self) -> String {
        match &self.id {
            Some(id) => format!("ProjectMembership/{id}"),
            None => "the ProjectMembership".to_owned(),
        }
    }
}

fn read_access(document: &Map<String, Value>, findings: &mut Findings) -> Vec<Access> {
    let root = Path::Root;
    let mut instances = Vec::new();
    if let Some(policy) =
        reference::id_of(document, "accessPolicy", "AccessPolicy", &root, findings)
    {
        instances.push(Access {
            instance: Instance::AccessPolicy,
            policy,
            parameters: Vec::new(),
        });
    }
    let at = Path::Field(&root, "access");
    let empty = shape::array(document, "access").is_some_and(<[Value]>::is_empty);
    if empty && !document.contains_key("accessPolicy") {
        // Without the property the membership has access to everything: too much to conclude from an empty list.
        findings.error_hint(
            &at,
            "must not be an empty list",
            Some("leave it out if the membership is meant to reach all resource types of its project".to_owned()),
        );
    }
    for (index, access) in shape::objects(document, "access", MAX_ACCESS) {
        let at = Path::Index(&at, index);
        ACCESS.check(access, &at, findings);
        if !access.contains_key("policy") {
            findings.error(&Path::Field(&at, "policy"), "is required");
        }
        let policy = reference::id_of(access, "policy", "AccessPolicy", &at, findings);
        let parameters = read_parameters(access, &at, findings);
        if let Some(policy) = policy {
            instances.push(Access {
                instance: Instance::Access(index),
                policy,
                parameters,
            });
        }
    }
    instances
}

fn read_parameters(
    access: &Map<String, Value>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Vec<(String, ParameterValue)> {
    let at = Path::Field(path, "parameter");
    let mut seen = BTreeSet::new();
    let mut parameters = Vec::new();
    for (index, parameter) in shape::objects(access, "parameter", MAX_PARAMETERS) {
        let at = Path::Index(&at, index);
        PARAMETER.check(parameter, &at, findings);
        let name = read_name(parameter, &at, findings);
        if let Some(name) = name
            && !seen.insert(name)
        {
            findings.error(
                &Path::Field(&at, "name"),
                "is the name of an earlier parameter of the same access",
            );
        }
        let value = read_value(parameter, &at, findings);
        if let (Some(name), Some(value)) = (name, value) {
            parameters.push((name.to_owned(), value));
        }
    }
    parameters
}

fn read_name<'v>(
    parameter: &'v Map<String, Value>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Option<&'v str> {
    let at = Path::Field(path, "name");
    if !parameter.contains_key("name") {
        findings.error(&at, "is required");
    }
    let name = shape::text(parameter, "name")?;
    if !is_name(name) {
        findings.error(
            &at,
            "must be 1 to 64 letters, digits, hyphens and underscores, starting with a letter or underscore",
        );
        return None;
    }
    if name == PROFILE {
        findings.error(&at, "%profile is built in and cannot be redefined");
        return None;
    }
    if constraint::is_taken(name) {
        findings.warning(
            &at,
            format!("%{name} means something else in write constraints, which cannot be used with this parameter"),
            Some("give it another name".to_owned()),
        );
    }
    Some(name)
}

fn read_value(
    parameter: &Map<String, Value>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Option<ParameterValue> {
    match (
        parameter.contains_key("valueString"),
        parameter.contains_key("valueReference"),
    ) {
        (true, false) => {
            shape::text(parameter, "valueString").map(|text| ParameterValue::Text(text.to_owned()))
        }
        (false, true) => reference::any_of(parameter, "valueReference", path, findings)
            .map(ParameterValue::Reference),
        _ => {
            findings.error(
                path,
                "must have exactly one of valueString and valueReference",
            );
            None
        }
    }
}
