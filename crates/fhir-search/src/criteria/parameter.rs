//! What a parameter with its modifier searches.

use super::error::{CriteriaError, shown};
use super::{CompositeSearch, Search};
use crate::model;
use crate::path::{Leaf, Path, Step};
use crate::table::{self, Alternative, Kind, Searched};

/// Parameters of a search that say something about its result, not about which resources match.
const RESULT_PARAMETERS: [&str; 15] = [
    "_contained",
    "_containedType",
    "_count",
    "_cursor",
    "_elements",
    "_fields",
    "_format",
    "_include",
    "_maxresults",
    "_offset",
    "_revinclude",
    "_score",
    "_sort",
    "_summary",
    "_total",
];

/// Parameters whose meaning is not a condition on one resource.
const OTHER_PARAMETERS: [&str; 7] = [
    "_content", "_filter", "_has", "_list", "_query", "_text", "_type",
];

/// The modifiers that R4 defines and criteria never have, and why.
const REFUSED_MODIFIERS: [(&str, &str); 4] = [
    ("in", "it needs a terminology"),
    ("not-in", "it needs a terminology"),
    ("of-type", "it needs a terminology"),
    ("iterate", "it is about the result of a search"),
];

/// The modifiers that fit parameters of one kind or another.
const MODIFIERS: [&str; 6] = ["exact", "contains", "text", "identifier", "above", "below"];

/// Finds what a parameter searches and whether it is negated.
///
/// # Errors
/// The parameter or the modifier is not known, or cannot be used.
pub fn search(
    resource_type: &str,
    name: &str,
    modifier: Option<&str>,
    offset: usize,
) -> Result<(Search, bool), CriteriaError> {
    if name.is_empty() {
        return Err(CriteriaError::new(offset, "a search parameter has no name"));
    }
    refuse(resource_type, name, modifier, offset)?;
    let parameter = match name {
        "_compartment" => Known::Plain(Search::Compartment),
        "_id" => Known::Plain(Search::Id),
        "_project" => Known::Elements(Kind::Special, vec![project()]),
        _ => known(resource_type, name, offset)?,
    };
    match (modifier, &parameter) {
        (None, _) => Ok((parameter.search(), false)),
        (Some("not"), _) => Ok((parameter.search(), true)),
        (Some("missing"), Known::Elements(_, alternatives)) => {
            Ok((Search::Missing(alternatives.clone()), false))
        }
        (Some(modifier), _) => match modified(&parameter, modifier) {
            Some(search) => Ok((search, false)),
            None => {
                let at = offset.saturating_add(name.len());
                Err(unfit(name, modifier, &parameter, at))
            }
        },
    }
}

/// A parameter without its modifier.
enum Known {
    Plain(Search),
    Elements(Kind, Vec<Alternative>),
    Composite(CompositeSearch),
}

impl Known {
    fn search(&self) -> Search {
        match self {
            Known::Plain(search) => search.clone(),
            Known::Elements(kind, alternatives) => plain(*kind, alternatives.clone()),
            Known::Composite(found) => Search::Composite(found.clone()),
        }
    }

    /// The modifiers that it can have.
    fn modifiers(&self) -> String {
        let Known::Elements(_, alternatives) = self else {
            return ":not".to_owned();
        };
        let names = MODIFIERS
            .iter()
            .filter(|name| modified(self, name).is_some())
            .map(|name| format!(":{name}, "));
        let mut text: String = names.collect();
        let takes_type = |found: &Alternative| {
            let one = found.targets.first().copied().unwrap_or("Basic");
            modified(self, one).is_some()
        };
        if alternatives.iter().any(takes_type) {
            text.push_str("a resource type, ");
        }
        let text = text.trim_end_matches(", ");
        match text {
            "" => ":not and :missing".to_owned(),
            text => format!("{text}, :not and :missing"),
        }
    }
}

/// What a parameter of a kind searches.
fn plain(kind: Kind, alternatives: Vec<Alternative>) -> Search {
    let truth = |found: &Alternative| found.path.leaf == Leaf::Truth;
    match kind {
        Kind::Token if alternatives.iter().all(truth) => Search::Truth(alternatives),
        Kind::Token => Search::Token(alternatives),
        Kind::Reference => Search::Reference(alternatives, None),
        Kind::String => Search::Text(alternatives),
        Kind::Uri => Search::Uri(alternatives),
        Kind::Date => Search::Date(alternatives),
        Kind::Number => Search::Number(alternatives),
        Kind::Quantity => Search::Quantity(alternatives),
        Kind::Composite | Kind::Special => Search::Project(alternatives),
    }
}

/// What a parameter with one of the modifiers of its kind searches.
fn modified(parameter: &Known, modifier: &str) -> Option<Search> {
    let Known::Elements(kind, alternatives) = parameter else {
        return None;
    };
    let alternatives = alternatives.clone();
    match (kind, modifier) {
        (Kind::String, "exact") => Some(Search::Exact(alternatives)),
        (Kind::String, "contains") => Some(Search::Contains(alternatives)),
        (Kind::Uri, "below") => Some(Search::Below(alternatives)),
        (Kind::Uri, "above") => Some(Search::Above(alternatives)),
        (Kind::Token, "text") => alternatives
            .iter()
            .any(|found| found.path.leaf.has_text())
            .then_some(Search::TokenText(alternatives)),
        (Kind::Reference, "identifier") => {
            let mut alternatives = alternatives;
            alternatives.retain(|found| found.path.leaf == Leaf::Reference && !found.only_targets);
            (!alternatives.is_empty()).then_some(Search::Identifier(alternatives))
        }
        (Kind::Reference, name) if model::is_resource_type(name) => {
            let mut alternatives = alternatives;
            alternatives.retain(|found| {
                let is_reference = matches!(found.path.leaf, Leaf::Reference | Leaf::Resource);
                is_reference && (found.targets.is_empty() || found.targets.contains(&name))
            });
            (!alternatives.is_empty())
                .then(|| Search::Reference(alternatives, Some(name.to_owned())))
        }
        _ => None,
    }
}

fn unfit(name: &str, modifier: &str, parameter: &Known, at: usize) -> CriteriaError {
    let of_hierarchy = matches!(parameter, Known::Elements(Kind::Token | Kind::Reference, _))
        && ["above", "below"].contains(&modifier);
    let reason = REFUSED_MODIFIERS
        .iter()
        .find(|(refused, _)| *refused == modifier)
        .map(|(_, reason)| *reason)
        .or(of_hierarchy.then_some("it needs a hierarchy of codes or resources"));
    let known =
        modifier == "missing" || MODIFIERS.contains(&modifier) || model::is_resource_type(modifier);
    let message = match reason {
        Some(reason) => format!(
            "modifier :{modifier} of search parameter {name} is not supported in criteria: {reason}"
        ),
        None if known => {
            format!("modifier :{modifier} does not fit search parameter {name}")
        }
        None => format!(
            "unknown modifier {} of search parameter {name}",
            shown(&format!(":{modifier}"))
        ),
    };
    CriteriaError::new(at, message).with_hint(format!("{name} may have {}", parameter.modifiers()))
}

/// Names that are no condition on one resource, whatever its type.
fn refuse(
    resource_type: &str,
    name: &str,
    modifier: Option<&str>,
    offset: usize,
) -> Result<(), CriteriaError> {
    let refused = |message: String| Err(CriteriaError::new(offset, message));
    if OTHER_PARAMETERS.contains(&name) {
        return refused(format!(
            "search parameter {name} is not supported in criteria: it is not a condition on one resource's elements"
        ));
    }
    if RESULT_PARAMETERS.contains(&name) {
        return refused(format!(
            "{name} is about the result of a search and cannot be used in criteria"
        ));
    }
    if name.contains('.') || modifier.is_some_and(|modifier| modifier.contains('.')) {
        let whole =
            modifier.map_or_else(|| name.to_owned(), |modifier| format!("{name}:{modifier}"));
        return refused(format!(
            "chained search parameter {} is not supported in criteria",
            shown(&whole)
        ));
    }
    if resource_type == "*" && name != "_compartment" {
        return refused(format!(
            "criteria for * may only use _compartment, not {}",
            shown(name)
        ));
    }
    Ok(())
}

/// The parameter of the type.
fn known(resource_type: &str, name: &str, offset: usize) -> Result<Known, CriteriaError> {
    let Some(parameter) = table::parameter(resource_type, name) else {
        let codes = table::codes(resource_type).chain(["_compartment", "_project"]);
        let meant = model::similar(name, codes);
        let meant = meant.map_or_else(String::new, |code| format!(" (did you mean {code:?}?)"));
        return Err(CriteriaError::new(
            offset,
            format!(
                "unknown search parameter {} for {resource_type}{meant}",
                shown(name)
            ),
        ));
    };
    match parameter.searched {
        Searched::Elements(alternatives) => Ok(Known::Elements(parameter.kind, alternatives)),
        Searched::Composite(found) => Ok(Known::Composite(CompositeSearch {
            contexts: found.contexts,
            parts: found
                .parts
                .into_iter()
                .map(|part| (part.from_root, plain(part.kind, part.alternatives)))
                .collect(),
        })),
        Searched::Nothing(reason) => Err(CriteriaError::new(
            offset,
            format!("search parameter {name} is not supported in criteria: {reason}"),
        )),
    }
}

/// `meta.project`: Medplum keeps the project's id there.
fn project() -> Alternative {
    let step = |member: &str| Step {
        member: member.to_owned(),
        many: false,
        filter: None,
    };
    let path = Path {
        steps: vec![step("meta"), step("project")],
        leaf: Leaf::Text,
    };
    Alternative {
        path,
        datatype: "uri",
        targets: Vec::new(),
        only_targets: false,
    }
}
