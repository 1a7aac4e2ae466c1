//! Why a membership gives no access at all. All of these are SQLSTATE 28000 to the client.

use crate::finding::{Finding, Severity};

/// Where a policy uses a variable, and which instance of the membership should define it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableUse {
    /// The id of the policy.
    pub policy: String,
    /// The JSON path in the policy.
    pub place: String,
    /// The variable, without `%`.
    pub variable: String,
    /// The membership, as `ProjectMembership/id`.
    pub membership: String,
    /// `accessPolicy` or `access[n]`.
    pub instance: String,
}

impl VariableUse {
    /// How to define the variable there, as words for a hint.
    fn definition(&self) -> String {
        let variable = &self.variable;
        if self.instance == "accessPolicy" {
            format!(
                "name the policy in access[] instead of accessPolicy, which takes no parameters, and give it a parameter named \"{variable}\""
            )
        } else {
            format!(
                "add a parameter named \"{variable}\" to {} of the membership",
                self.instance
            )
        }
    }
}

/// A membership that cannot be used. The messages name documents and places in them, never their content or the value
/// of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// There is no such membership.
    #[error("ProjectMembership/{id} does not exist")]
    UnknownMembership {
        /// The id that was asked for.
        id: String,
    },
    /// `active` is `false`.
    #[error("{membership} is not active")]
    Inactive {
        /// The membership, as `ProjectMembership/id`.
        membership: String,
    },
    /// The membership names a policy that does not exist.
    #[error("{membership} {place} names AccessPolicy/{policy}, which does not exist")]
    MissingPolicy {
        /// The membership.
        membership: String,
        /// `accessPolicy` or `access[n]`.
        place: String,
        /// The id of the policy.
        policy: String,
    },
    /// The membership names a project that does not exist.
    #[error("{membership} names Project/{project}, which does not exist")]
    MissingProject {
        /// The membership.
        membership: String,
        /// The id of the project.
        project: String,
    },
    /// A stored document does not validate.
    #[error("{document} is not valid{}{place}", if place.is_empty() { "" } else { ": see " })]
    InvalidDocument {
        /// The document, as `Type/id`.
        document: String,
        /// The JSON path of its first error, or empty.
        place: String,
    },
    /// The membership has no policy, and `require_policy` asks for one.
    #[error("{membership} has no access policy, and fhir_access.require_policy is on")]
    NoPolicy {
        /// The membership.
        membership: String,
    },
    /// A policy uses a variable that nothing defines.
    #[error("AccessPolicy/{} {} uses %{}, which {} {} does not define", .0.policy, .0.place, .0.variable, .0.membership, .0.instance)]
    UndefinedVariable(Box<VariableUse>),
    /// A constraint uses a variable with a meaning of its own, and the membership has a parameter of that name.
    #[error("AccessPolicy/{} {} uses %{}, which has a meaning of its own there, and {} {} defines it otherwise", .0.policy, .0.place, .0.variable, .0.membership, .0.instance)]
    TakenVariable(Box<VariableUse>),
    /// The value of a variable does not fit where the policy uses it.
    #[error("the value of %{} in {} {} does not fit AccessPolicy/{} {}", .at.variable, .at.membership, .at.instance, .at.policy, .at.place)]
    VariableValue {
        /// Where.
        at: Box<VariableUse>,
        /// What would fit.
        expected: String,
    },
    /// The policies and parameters multiply beyond what one session may hold.
    #[error("the policies of {membership} have too many entries or too long values")]
    TooLarge {
        /// The membership.
        membership: String,
    },
    /// The criteria cannot be used for the type of a table.
    #[error("{place} cannot be applied to {resource_type}")]
    NotApplicable {
        /// Which entry.
        place: String,
        /// The type.
        resource_type: String,
    },
    /// The documents could not be read.
    #[error("access control documents could not be read: {0}")]
    Source(String),
}

impl AccessError {
    /// A stored document that did not validate, with the path of its first error.
    pub fn invalid(document: impl Into<String>, findings: &[Finding]) -> Self {
        let place = findings
            .iter()
            .find(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.path.clone())
            .unwrap_or_default();
        AccessError::InvalidDocument {
            document: document.into(),
            place,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            AccessError::Inactive { .. } => {
                "set its property \"active\" to true to use it again".to_owned()
            }
            AccessError::MissingPolicy { .. } => {
                "insert the policy into fhir_access.access_policy, or correct the membership"
                    .to_owned()
            }
            AccessError::MissingProject { .. } => {
                "insert the project into fhir_access.project, or correct the membership".to_owned()
            }
            AccessError::InvalidDocument { .. } => {
                "fhir_access.validate() lists what is wrong with it".to_owned()
            }
            AccessError::NoPolicy { .. } => "give it an accessPolicy or an access list".to_owned(),
            AccessError::UndefinedVariable(at) => match at.variable.as_str() {
                "profile" => "give the membership a profile".to_owned(),
                "patient" => format!("give the membership a profile, or {}", at.definition()),
                _ => at.definition(),
            },
            AccessError::TakenVariable(at) => {
                format!("give the parameter \"{}\" another name", at.variable)
            }
            AccessError::VariableValue { expected, .. } => format!("expected {expected}"),
            AccessError::TooLarge { .. } => {
                "use fewer instances, criteria that do not list values, and shorter lists of fields".to_owned()
            }
            AccessError::UnknownMembership { .. } => {
                "insert it into fhir_access.project_membership, or set fhir_access.membership to the id of one that is there"
                    .to_owned()
            }
            AccessError::NotApplicable { resource_type, .. } => {
                format!("give {resource_type} an entry of its own in the policy")
            }
            AccessError::Source(_) => {
                "see that the tables in the schema fhir_access can be read".to_owned()
            }
        })
    }
}
