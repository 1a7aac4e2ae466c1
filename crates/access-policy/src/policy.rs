//! AccessPolicy: which types, rows and fields somebody may see and change, and from where.

use std::rc::Rc;

use fhirpath::Limits;
use serde_json::{Map, Value};

use crate::constraint::Bounds;
use crate::entry::PolicyEntry;
use crate::finding::{Finding, Findings, Path, did_you_mean, quote};
use crate::ip::{Action, AddressPattern, IpRule};
use crate::reference;
use crate::shape::{self, ELEMENT, Kind, RESOURCE, Shape};
use crate::template::CompartmentTemplate;
use crate::validate;

/// Entries that one policy may have.
pub(crate) const MAX_ENTRIES: usize = 5_000;
/// IP rules that one policy may have.
const MAX_RULES: usize = 20_000;

const IP_RULE: Shape = Shape {
    own: &[
        ("name", Kind::Text),
        ("value", Kind::Text),
        ("action", Kind::Text),
    ],
    inherited: ELEMENT,
};

const ACCESS_POLICY: Shape = Shape {
    own: &[
        ("name", Kind::Text),
        ("basedOn", Kind::References(MAX_ENTRIES)),
        ("compartment", Kind::Reference),
        ("resource", Kind::List(MAX_ENTRIES)),
        ("ipAccessRule", Kind::List(MAX_RULES)),
    ],
    inherited: RESOURCE,
};

/// A validated AccessPolicy: its criteria and IP rules are parsed, its variables are not yet bound.
#[derive(Debug)]
pub struct AccessPolicy {
    /// Its logical id, when the document has one.
    pub id: Option<String>,
    /// Its name, for people.
    pub name: Option<String>,
    /// The account that resources created under it are tagged with.
    pub compartment: Option<CompartmentTemplate>,
    /// `resource[]`, in order.
    pub entries: Vec<Rc<PolicyEntry>>,
    /// `ipAccessRule[]`, in order.
    pub ip_rules: Vec<IpRule>,
}

impl AccessPolicy {
    /// Reads and validates an AccessPolicy.
    ///
    /// # Errors
    /// All findings, when at least one of them is an error. (Warnings alone are not returned: see
    /// [`validate`](crate::validate()).)
    pub fn parse(json: &str) -> Result<Self, Vec<Finding>> {
        AccessPolicy::parse_with(json, &Limits::default())
    }

    /// As [`AccessPolicy::parse`], with other limits on each expression.
    ///
    /// # Errors
    /// As for [`AccessPolicy::parse`].
    pub fn parse_with(json: &str, limits: &Limits) -> Result<Self, Vec<Finding>> {
        validate::typed(json, |document, findings| {
            AccessPolicy::read(document, limits, findings)
        })
    }

    /// Checks the tree and makes the document; it is of use only if no error was found.
    pub(crate) fn read(
        document: &Map<String, Value>,
        limits: &Limits,
        findings: &mut Findings,
    ) -> Self {
        let root = Path::Root;
        ACCESS_POLICY.check(document, &root, findings);
        let id = reference::own_id(document, "AccessPolicy", findings);
        let compartment = read_compartment(document, &root, findings);
        let entries_path = Path::Field(&root, "resource");
        let mut bounds = Bounds::new(limits);
        let entries = shape::objects(document, "resource", MAX_ENTRIES)
            .filter_map(|(index, object)| {
                let path = Path::Index(&entries_path, index);
                PolicyEntry::read(object, &path, &mut bounds, findings).map(Rc::new)
            })
            .collect();
        let rules_path = Path::Field(&root, "ipAccessRule");
        let ip_rules = shape::objects(document, "ipAccessRule", MAX_RULES)
            .filter_map(|(index, object)| {
                read_rule(object, &Path::Index(&rules_path, index), findings)
            })
            .collect();
        AccessPolicy {
            id,
            name: shape::text(document, "name").map(str::to_owned),
            compartment,
            entries,
            ip_rules,
        }
    }
}

/// The `compartment` property of a policy or of an entry.
pub(crate) fn read_compartment(
    owner: &Map<String, Value>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Option<CompartmentTemplate> {
    let at = Path::Field(path, "compartment");
    let text = reference::required_text(shape::object(owner, "compartment")?, &at, findings)?;
    let template = CompartmentTemplate::parse(text);
    if template.is_none() {
        findings.error(
            &Path::Field(&at, "reference"),
            "must look like Type/id, %variable or Type/%variable, with a known resource type",
        );
    }
    template
}

fn read_rule(
    rule: &Map<String, Value>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Option<IpRule> {
    IP_RULE.check(rule, path, findings);
    for name in ["value", "action"] {
        if !rule.contains_key(name) {
            findings.error(&Path::Field(path, name), "is required");
        }
    }
    let pattern = shape::text(rule, "value").and_then(|value| read_pattern(value, path, findings));
    let action = shape::text(rule, "action").and_then(|action| match action {
        "allow" => Some(Action::Allow),
        "block" => Some(Action::Block),
        _ => {
            findings.error_hint(
                &Path::Field(path, "action"),
                format!(
                    "unknown action {}: must be \"allow\" or \"block\"",
                    quote(action)
                ),
                did_you_mean(action, ["allow", "block"]),
            );
            None
        }
    });
    Some(IpRule {
        name: shape::text(rule, "name").map(str::to_owned),
        pattern: pattern?,
        action: action?,
    })
}

fn read_pattern(value: &str, path: &Path<'_>, findings: &mut Findings) -> Option<AddressPattern> {
    let at = Path::Field(path, "value");
    match AddressPattern::parse(value) {
        Ok(pattern) => {
            if AddressPattern::has_host_bits(value) {
                findings.warning(
                    &at,
                    "has bits set beyond the prefix of the CIDR block, which are ignored",
                    Some(format!("did you mean \"{pattern}\"?")),
                );
            }
            Some(pattern)
        }
        Err(error) => {
            findings.error(&at, error.to_string());
            None
        }
    }
}
