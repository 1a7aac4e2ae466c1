//! The fingerprint of an effective access.

use std::rc::Rc;

use super::{EffectiveAccess, Origin};
use crate::ip::{Action, AddressPattern};
use crate::membership::Instance;
use crate::parameters::{ParameterValue, Parameters};

/// Hashes parts with their lengths, so that no two lists of parts give the same bytes.
struct Hasher(blake3::Hasher);

impl Hasher {
    fn number(&mut self, number: usize) {
        self.0.update(&(number as u64).to_le_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.0.update(&[u8::from(flag)]);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.update(text.as_bytes());
    }

    fn optional(&mut self, text: Option<&str>) {
        self.flag(text.is_some());
        self.text(text.unwrap_or_default());
    }
}

/// 16 bytes over everything that decides.
pub(super) fn of(access: &EffectiveAccess) -> [u8; 16] {
    let mut hasher = Hasher(blake3::Hasher::new());
    hasher.text("fhir_access 1");
    hasher.optional(access.membership.as_deref());
    hasher.optional(access.profile.as_deref());
    hasher.optional(access.project.as_deref());
    hasher.flag(access.admin);
    hasher.flag(access.super_admin);
    hasher.flag(access.hide_narrative);
    hasher.optional(access.compartment.as_deref());
    links(access, &mut hasher);
    entries(access, &mut hasher);
    rules(access, &mut hasher);
    let mut fingerprint = [0; 16];
    hasher.0.finalize_xof().fill(&mut fingerprint);
    fingerprint
}

fn links(access: &EffectiveAccess, hasher: &mut Hasher) {
    hasher.number(access.links.len());
    for link in &access.links {
        hasher.text(&link.id);
        hasher.flag(link.exported.is_some());
        let exported = link.exported.iter().flatten();
        hasher.number(exported.clone().count());
        for resource_type in exported {
            hasher.text(resource_type);
        }
    }
}

fn entries(access: &EffectiveAccess, hasher: &mut Hasher) {
    hasher.number(access.entries.len());
    let mut previous: Option<&Rc<Parameters>> = None;
    for entry in &access.entries {
        origin(&entry.origin, hasher);
        let definition = &entry.definition;
        hasher.text(definition.resource_type.as_str());
        hasher.0.update(&[definition.interactions.bits()]);
        hasher.number(definition.criteria.len());
        for criterion in &definition.criteria {
            hasher.text(&criterion.text);
        }
        hasher.text(&definition.hidden.to_string());
        hasher.text(&definition.readonly.to_string());
        hasher.number(definition.constraints.len());
        for constraint in definition.constraints.iter() {
            hasher.text(constraint.expression().source());
        }
        // The entries of an instance share their parameters, which may be long: once is enough.
        let repeated = previous.is_some_and(|previous| Rc::ptr_eq(previous, &entry.parameters));
        hasher.flag(repeated);
        if !repeated {
            parameters(&entry.parameters, hasher);
        }
        previous = Some(&entry.parameters);
    }
}

fn parameters(parameters: &Parameters, hasher: &mut Hasher) {
    hasher.number(parameters.iter().count());
    for (name, value) in parameters.iter() {
        hasher.text(name);
        hasher.flag(matches!(value, ParameterValue::Reference(_)));
        hasher.text(value.as_str());
    }
}

fn origin(origin: &Origin, hasher: &mut Hasher) {
    match origin {
        Origin::Policy {
            policy,
            index,
            instance,
        } => {
            hasher.number(0);
            hasher.text(policy);
            hasher.number(*index);
            match instance {
                Instance::AccessPolicy => hasher.flag(false),
                Instance::Access(index) => {
                    hasher.flag(true);
                    hasher.number(*index);
                }
            }
        }
        Origin::NoPolicy => hasher.number(1),
        Origin::Default => hasher.number(2),
        Origin::Admin => hasher.number(3),
        Origin::SuperAdmin => hasher.number(4),
    }
}

fn rules(access: &EffectiveAccess, hasher: &mut Hasher) {
    hasher.number(access.ip_rules.len());
    for (place, rule) in &access.ip_rules {
        hasher.text(&place.policy);
        hasher.number(place.index);
        hasher.flag(rule.action == Action::Allow);
        match rule.pattern {
            AddressPattern::Any => hasher.text("*"),
            AddressPattern::Network(network) => hasher.text(&network.to_string()),
        }
    }
}
