//! What a membership may do: one ordered list of entries, one list of IP rules, one project scope.

mod builtin;
mod fingerprint;
mod inside;
mod resolve;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;

use fhir_search::model;
use fhir_search::{BindError, Criteria, Predicate};

use crate::admin_types::is_admin_type;
use crate::constraint::Constraint;
use crate::entry::{Criterion, PolicyEntry, TypeSelector};
use crate::error::AccessError;
use crate::fields::FieldSet;
use crate::interaction::{Interaction, Interactions};
use crate::ip::{Action, IpRule};
use crate::membership::Instance;
use crate::parameters::Parameters;

pub use resolve::{DocumentSource, Settings, resolve, resolve_id};

/// Where an entry comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `resource[index]` of a policy, under one instance of the membership.
    Policy {
        /// The id of the policy.
        policy: Rc<str>,
        /// The index in its `resource`.
        index: usize,
        /// Which use of the policy in the membership.
        instance: Instance,
    },
    /// The membership has no policy: all types of the project.
    NoPolicy,
    /// `SearchParameter` and `StructureDefinition` are readable by default.
    Default,
    /// The fixed set of an `admin` membership.
    Admin,
    /// The admin types of a super admin project.
    SuperAdmin,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Policy { policy, index, .. } => {
                write!(f, "AccessPolicy/{policy} resource[{index}]")
            }
            Origin::NoPolicy => f.write_str("membership without a policy"),
            Origin::Default => f.write_str("readable by default"),
            Origin::Admin => f.write_str("project administrator"),
            Origin::SuperAdmin => f.write_str("super administrator"),
        }
    }
}

/// One entry of the effective access, with its instance's parameters.
#[derive(Debug)]
pub struct Entry {
    /// Where it comes from.
    pub origin: Origin,
    /// The parameters of its instance, built-in ones included.
    pub parameters: Rc<Parameters>,
    definition: Rc<PolicyEntry>,
    /// Bound when it is asked for, unless it depends on the concrete type of a `*` entry: of a membership's entries few are.
    bound: OnceCell<Predicate>,
    depends_on_type: bool,
    /// Does it grant all rows of its type, or none, as far as that is known without a look at one?
    always: Option<bool>,
}

impl Entry {
    /// Which types it is for: a name or `*`.
    pub fn resource_type(&self) -> &str {
        self.definition.resource_type.as_str()
    }

    /// Which interactions it covers.
    pub fn interactions(&self) -> Interactions {
        self.definition.interactions
    }

    /// The source text of its criteria, variables not substituted; `None` means every row.
    pub fn criteria(&self) -> Option<String> {
        self.definition.criteria()
    }

    /// Its hidden fields.
    pub fn hidden(&self) -> &FieldSet {
        &self.definition.hidden
    }

    /// Its readonly fields.
    pub fn readonly(&self) -> &FieldSet {
        &self.definition.readonly
    }

    /// What a row that it grants must meet to be written.
    pub fn constraints(&self) -> &Rc<[Constraint]> {
        &self.definition.constraints
    }

    /// Which rows of the type it grants; only of use for a type that [`EffectiveAccess::entries_for`] gives it for.
    ///
    /// # Errors
    /// When criteria of a `*` entry have no meaning for the type.
    pub fn predicate_for(&self, resource_type: &str) -> Result<Cow<'_, Predicate>, AccessError> {
        let bind_for = |resource_type: &str| {
            bind(&self.definition.criteria, resource_type, &self.parameters).map_err(|_| {
                AccessError::NotApplicable {
                    place: self.origin.to_string(),
                    resource_type: resource_type.to_owned(),
                }
            })
        };
        if self.depends_on_type {
            return bind_for(resource_type).map(Cow::Owned);
        }
        if let Some(predicate) = self.bound.get() {
            return Ok(Cow::Borrowed(predicate));
        }
        let predicate = match &self.definition.resource_type {
            TypeSelector::Named(name) => bind_for(name)?,
            TypeSelector::Any => bind_for(resource_type)?,
        };
        Ok(Cow::Borrowed(self.bound.get_or_init(|| predicate)))
    }
}

/// What a predicate says of every row.
fn constant(predicate: &Predicate) -> Option<bool> {
    match predicate {
        Predicate::Constant(always) => Some(*always),
        _ => None,
    }
}

/// Binds all criteria of an entry; the failing one is named by its property.
fn bind(
    criteria: &[Criterion],
    resource_type: &str,
    parameters: &Parameters,
) -> Result<Predicate, (&'static str, BindError)> {
    let mut bound = Vec::with_capacity(criteria.len());
    for criterion in criteria {
        let predicate = criterion
            .parsed
            .bind_for(resource_type, parameters)
            .map_err(|error| (criterion.property, error))?;
        bound.push(predicate);
    }
    Ok(Predicate::all(bound))
}

/// An entry that applies to a type and an interaction, with the rows it grants.
#[derive(Debug)]
pub struct Grant<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// Its index in [`EffectiveAccess::entries`].
    pub position: usize,
    /// Which rows of the type it grants.
    pub predicate: Cow<'a, Predicate>,
}

/// A project that the membership's project reads from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedProject {
    /// Its id.
    pub id: String,
    /// The types it exports; `None` means all.
    pub exported: Option<BTreeSet<String>>,
}

/// A rule that decided, as `AccessPolicy/x ipAccessRule[2]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRef {
    /// The id of the policy.
    pub policy: Rc<str>,
    /// The index in its `ipAccessRule`.
    pub index: usize,
}

impl fmt::Display for RuleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "AccessPolicy/{} ipAccessRule[{}]",
            self.policy, self.index
        )
    }
}

/// What the IP rules say about a client address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IpVerdict {
    /// There are no rules: allowed.
    NoRules,
    /// The first rule that matches allows it.
    Allowed(RuleRef),
    /// No rule matches: allowed.
    Unmatched,
    /// The first rule that matches blocks it.
    Blocked(RuleRef),
    /// There are rules, the address is unknown, and no `*` rule decides: refused.
    Unknown,
}

impl IpVerdict {
    /// Whether the session may be used.
    pub fn is_allowed(&self) -> bool {
        matches!(
            self,
            IpVerdict::NoRules | IpVerdict::Allowed(_) | IpVerdict::Unmatched
        )
    }
}

impl fmt::Display for IpVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IpVerdict::NoRules => f.write_str("no rules"),
            IpVerdict::Allowed(rule) => write!(f, "allowed by {rule}"),
            IpVerdict::Unmatched => f.write_str("no rule matches"),
            IpVerdict::Blocked(rule) => write!(f, "blocked by {rule}"),
            IpVerdict::Unknown => f.write_str("unknown address"),
        }
    }
}

/// What one membership may do, made by [`resolve`].
#[derive(Debug)]
pub struct EffectiveAccess {
    /// The id of the membership, when it has one.
    pub membership: Option<String>,
    /// Its profile as `Type/id`.
    pub profile: Option<String>,
    /// The id of its project; `None` means that rows are not filtered by project.
    pub project: Option<String>,
    /// The projects it can read from besides its own, in order.
    pub links: Vec<LinkedProject>,
    /// Whether the membership administers its project.
    pub admin: bool,
    /// Whether its project is a super admin project.
    pub super_admin: bool,
    /// The account that created resources are tagged with, as `Type/id`.
    pub compartment: Option<String>,
    /// The ids of the policies, in order of first use.
    pub policies: Vec<Rc<str>>,
    /// All entries in the order that decides.
    pub entries: Vec<Entry>,
    /// All IP rules in the order that decides.
    pub ip_rules: Vec<(RuleRef, IpRule)>,
    /// Whether the narrative goes where something is hidden.
    pub hide_narrative: bool,
    inside: inside::Inside,
}

impl EffectiveAccess {
    /// The entries that apply, in the order that decides. A row is granted when the predicate of some grant holds; the
    /// first such grant decides its hidden and readonly fields. Nothing follows a grant whose predicate is
    /// `Constant(true)`. The rows are further limited by [`Self::project_scope`].
    ///
    /// # Errors
    /// When criteria of a `*` entry have no meaning for the type.
    pub fn entries_for(
        &self,
        resource_type: &str,
        interaction: Interaction,
    ) -> Result<Vec<Grant<'_>>, AccessError> {
        let mut grants = Vec::new();
        for (position, entry) in self.entries.iter().enumerate() {
            let definition = &entry.definition;
            if !definition.interactions.contains(interaction)
                || !definition
                    .resource_type
                    .covers(resource_type, self.super_admin)
            {
                continue;
            }
            let predicate = entry.predicate_for(resource_type)?;
            let all = *predicate == Predicate::Constant(true);
            if *predicate != Predicate::Constant(false) {
                grants.push(Grant {
                    entry,
                    position,
                    predicate,
                });
            }
            if all {
                break;
            }
        }
        Ok(grants)
    }

    /// Which rows of the type belong to the projects that the interaction may reach: those of the own project, and for
    /// reading those of linked projects that export the type. Rows of the admin types are never read through a link,
    /// except the linked `Project` itself: rows of that type are told by their own id. A `ProjectMembership` is of the project
    /// that it names, whatever its `meta` says. `Constant(true)` when the membership names no project or is of a super admin
    /// project.
    ///
    /// # Errors
    /// When the type is unknown.
    pub fn project_scope(
        &self,
        resource_type: &str,
        interaction: Interaction,
    ) -> Result<Predicate, AccessError> {
        let Some(own) = self.project.as_ref().filter(|_| !self.super_admin) else {
            return Ok(Predicate::Constant(true));
        };
        let mut ids = vec![own.clone()];
        if interaction.is_read() {
            let reachable = self.links.iter().filter(|link| link.exports(resource_type));
            ids.extend(reachable.map(|link| link.id.clone()));
        }
        if resource_type == "Project" {
            return Ok(Predicate::Id(ids));
        }
        // Ids are letters, digits, hyphens and dots: the list needs no escaping.
        let not_applicable = || AccessError::NotApplicable {
            place: "the project scope".to_owned(),
            resource_type: resource_type.to_owned(),
        };
        if !model::is_resource_type(resource_type) {
            return Err(not_applicable());
        }
        // `meta.project` stands in the same place in every type, in those too that have no criteria of their own (Binary).
        const ANY_TYPE: &str = "Basic";
        const MEMBERSHIP: &str = "ProjectMembership";
        let (known_type, criteria) = if resource_type == MEMBERSHIP {
            // No link reaches a membership: `ids` is the own project.
            (MEMBERSHIP, format!("{MEMBERSHIP}?project=Project/{own}"))
        } else {
            (ANY_TYPE, format!("{ANY_TYPE}?_project={}", ids.join(",")))
        };
        Criteria::parse(known_type, &criteria)
            .map_err(|_| not_applicable())?
            .bind_for(known_type, &Parameters::default())
            .map_err(|_| not_applicable())
    }

    /// Evaluates the IP rules in list order over all policies: the first that matches decides. An unknown address
    /// matches only `*`.
    pub fn ip_verdict(&self, address: Option<IpAddr>) -> IpVerdict {
        if self.ip_rules.is_empty() {
            return IpVerdict::NoRules;
        }
        match self
            .ip_rules
            .iter()
            .find(|(_, rule)| rule.pattern.matches(address))
        {
            Some((place, rule)) => match rule.action {
                Action::Allow => IpVerdict::Allowed(place.clone()),
                Action::Block => IpVerdict::Blocked(place.clone()),
            },
            None if address.is_none() => IpVerdict::Unknown,
            None => IpVerdict::Unmatched,
        }
    }

    /// 16 bytes that change whenever anything changes that decides what the session sees or may do.
    pub fn fingerprint(&self) -> [u8; 16] {
        fingerprint::of(self)
    }
}

impl LinkedProject {
    fn exports(&self, resource_type: &str) -> bool {
        if is_admin_type(resource_type) {
            return resource_type == "Project";
        }
        self.exported
            .as_ref()
            .is_none_or(|exported| exported.contains(resource_type))
    }
}
