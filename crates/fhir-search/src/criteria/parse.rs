//! `Type?name:modifier=value&…`: finds the parameters and checks everything that needs no membership.

use super::error::{CriteriaError, shown};
use super::syntax::{self, MOST_BYTES, MOST_VALUES, Percent, Piece, Template};
use super::value::{self, Wrong};
use super::{Condition, Criteria, Item, Search};
use crate::model;
use crate::path::{Leaf, Path, Step};
use crate::table::{self, Alternative, Kind};

/// The most parameters in one criteria.
const MOST_PARAMETERS: usize = 1_000;

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

/// The modifiers that R4 defines, besides `not`, `missing` and resource types.
const R4_MODIFIERS: [&str; 10] = [
    "exact",
    "contains",
    "text",
    "in",
    "not-in",
    "above",
    "below",
    "of-type",
    "identifier",
    "iterate",
];

impl Criteria {
    /// Parses and checks the criteria of an entry for `resource_type`, which may be `*`.
    ///
    /// # Errors
    /// Anything that is not known, not supported or malformed, with its byte offset in `text`.
    pub fn parse(resource_type: &str, text: &str) -> Result<Self, CriteriaError> {
        if text.len() > MOST_BYTES {
            return Err(CriteriaError::new(
                0,
                format!("criteria are longer than {MOST_BYTES} bytes"),
            ));
        }
        let (kind, query) = text.split_once('?').ok_or_else(|| {
            CriteriaError::new(text.len(), "? is missing after the resource type")
                .with_hint("write Type?parameter=value, or leave criteria out to mean all resources of the type")
        })?;
        check_type(resource_type, kind)?;
        let mut criteria = Self {
            resource_type: kind.to_owned(),
            conditions: Vec::new(),
            variables: Vec::new(),
        };
        let mut offset = kind.len() + 1;
        let mut values = 0_usize;
        for parameter in query.split('&') {
            let condition = condition(kind, parameter, offset)?;
            values = values.saturating_add(condition.items.len());
            if criteria.conditions.len() >= MOST_PARAMETERS {
                return Err(CriteriaError::new(
                    offset,
                    format!("more than {MOST_PARAMETERS} parameters"),
                ));
            }
            if values > MOST_VALUES {
                return Err(CriteriaError::new(
                    offset,
                    format!("more than {MOST_VALUES} values"),
                ));
            }
            offset = offset.saturating_add(parameter.len()).saturating_add(1);
            criteria.conditions.push(condition);
        }
        criteria.variables = variables(&criteria.conditions);
        Ok(criteria)
    }
}

fn check_type(resource_type: &str, kind: &str) -> Result<(), CriteriaError> {
    if kind != "*" && !model::is_resource_type(kind) {
        let meant = model::similar_resource_type(kind);
        let meant = meant.map_or_else(String::new, |name| format!(" (did you mean {name:?}?)"));
        return Err(CriteriaError::new(
            0,
            format!("unknown resource type {}{meant}", shown(kind)),
        ));
    }
    if kind != resource_type {
        let message = format!(
            "the criteria is for {kind}, but its entry is for {}",
            shown(resource_type)
        );
        return Err(CriteriaError::new(0, message));
    }
    if kind == "Binary" {
        let error = CriteriaError::new(0, "Binary has no criteria");
        return Err(error.with_hint(
            "a Binary is granted when the resource its securityContext refers to is granted",
        ));
    }
    Ok(())
}

/// The variables of all conditions, each once, in order.
fn variables(conditions: &[Condition]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let templates = conditions
        .iter()
        .flat_map(|condition| &condition.items)
        .filter_map(|item| match item {
            Item::Bound(template) => Some(template),
            Item::Fixed(_) => None,
        });
    let names = templates
        .flat_map(|template| &template.pieces)
        .filter_map(|piece| match piece {
            Piece::Variable(variable) => Some(variable.name.as_str()),
            Piece::Text(_) | Piece::Pipe => None,
        });
    names
        .filter(|name| seen.insert(*name))
        .map(str::to_owned)
        .collect()
}

/// Parses one `name:modifier=values`.
fn condition(resource_type: &str, text: &str, offset: usize) -> Result<Condition, CriteriaError> {
    let (name, values) = match text.split_once('=') {
        Some(("", _)) => return Err(CriteriaError::new(offset, "a search parameter has no name")),
        Some((name, values)) => (
            name,
            Some((values, offset.saturating_add(name.len()).saturating_add(1))),
        ),
        None if text.is_empty() => {
            let error = CriteriaError::new(offset, "a search parameter is empty");
            return Err(error.with_hint("leave criteria out to mean all resources of the type"));
        }
        None => (text, None),
    };
    let full_name = syntax::name(name, offset)?;
    let (name, modifier) = full_name
        .split_once(':')
        .map_or((full_name.as_str(), None), |(name, modifier)| {
            (name, Some(modifier))
        });
    let (search, negated) = search(resource_type, name, modifier, offset)?;
    let (values, values_offset) = values.ok_or_else(|| {
        CriteriaError::new(
            offset.saturating_add(text.len()),
            format!("= is missing after search parameter {}", shown(name)),
        )
    })?;
    let templates = syntax::split(values, values_offset, Percent::Decoded)?;
    if let (Search::Missing(_), [_, second, ..]) = (&search, templates.as_slice()) {
        return Err(CriteriaError::new(
            second.offset,
            format!("{name}:missing takes one value, true or false"),
        ));
    }
    let items = templates
        .into_iter()
        .map(|template| item(&search, name, resource_type, template));
    let items = items.collect::<Result<Vec<_>, CriteriaError>>()?;
    Ok(Condition {
        name: name.to_owned(),
        search,
        negated,
        items,
    })
}

fn item(
    search: &Search,
    name: &str,
    resource_type: &str,
    template: Template,
) -> Result<Item, CriteriaError> {
    let fail = |wrong: Wrong| {
        let message = match wrong.message {
            Some(message) => format!("search parameter {name}: {message}"),
            None => format!("search parameter {name}: expected {}", wrong.expected),
        };
        CriteriaError::new(template.offset, message)
    };
    if template
        .pieces
        .iter()
        .any(|piece| matches!(piece, Piece::Variable(_)))
    {
        if let Search::Token(alternatives) = search {
            let pipes = template
                .pieces
                .iter()
                .filter(|piece| **piece == Piece::Pipe)
                .count();
            if pipes > 1 {
                let expected =
                    r"at most one |; one inside a system or code is written \|".to_owned();
                return Err(fail(Wrong {
                    expected,
                    message: None,
                }));
            }
            if pipes == 1 && template.pieces.first() != Some(&Piece::Pipe) {
                value::has_system(alternatives).map_err(fail)?;
            }
        }
        return Ok(Item::Bound(template));
    }
    match search
        .value(&template.pieces, resource_type)
        .map_err(fail)?
    {
        value::Value::Nothing => Err(CriteriaError::new(
            template.offset,
            format!("search parameter {name}: the id of a {resource_type} is expected"),
        )),
        value => Ok(Item::Fixed(value)),
    }
}

/// Finds what a parameter searches and whether it is negated.
fn search(
    resource_type: &str,
    name: &str,
    modifier: Option<&str>,
    offset: usize,
) -> Result<(Search, bool), CriteriaError> {
    if name.is_empty() {
        return Err(CriteriaError::new(offset, "a search parameter has no name"));
    }
    let missing = modifier == Some("missing");
    let search = plain_search(resource_type, name, modifier, missing, offset)?;
    match modifier {
        None => Ok((search, false)),
        Some("not") => Ok((search, true)),
        Some("missing") => Ok((search, false)),
        Some(modifier) => {
            let at = offset.saturating_add(name.len());
            let known = R4_MODIFIERS.contains(&modifier) || model::is_resource_type(modifier);
            let message = if known {
                format!(
                    "modifier :{modifier} of search parameter {name} is not supported in criteria"
                )
            } else {
                format!(
                    "unknown modifier {} of search parameter {name}",
                    shown(&format!(":{modifier}"))
                )
            };
            Err(CriteriaError::new(at, message).with_hint("criteria may use :not and :missing"))
        }
    }
}

fn plain_search(
    resource_type: &str,
    name: &str,
    modifier: Option<&str>,
    missing: bool,
    offset: usize,
) -> Result<Search, CriteriaError> {
    let refused = |message: String| Err(CriteriaError::new(offset, message));
    let no_missing = |search: Search| {
        if missing {
            refused(format!(
                "modifier :missing of search parameter {name} is not supported in criteria"
            ))
        } else {
            Ok(search)
        }
    };
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
    let chained = name.contains('.') || modifier.is_some_and(|modifier| modifier.contains('.'));
    if chained {
        return refused(format!(
            "chained search parameter {} is not supported in criteria",
            shown(name)
        ));
    }
    if name == "_compartment" {
        return no_missing(Search::Compartment);
    }
    if resource_type == "*" {
        return refused(format!(
            "criteria for * may only use _compartment, not {}",
            shown(name)
        ));
    }
    match name {
        "_id" => return no_missing(Search::Id),
        "_project" => {
            let project = project();
            return Ok(if missing {
                Search::Missing(vec![project])
            } else {
                Search::Project(project.path)
            });
        }
        _ => {}
    }
    let Some(parameter) = table::parameter(resource_type, name) else {
        let codes = table::codes(resource_type).chain(["_compartment", "_project"]);
        let meant = model::similar(name, codes);
        let meant = meant.map_or_else(String::new, |code| format!(" (did you mean {code:?}?)"));
        return refused(format!(
            "unknown search parameter {} for {resource_type}{meant}",
            shown(name)
        ));
    };
    let kind = parameter.kind;
    let alternatives = match parameter.alternatives {
        Ok(alternatives) => alternatives,
        Err("composite" | "special") => {
            return refused(format!(
                "search parameter {name} is {kind}; criteria of this kind are not supported"
            ));
        }
        Err(reason) => {
            return refused(format!(
                "search parameter {name} is not supported in criteria: {reason}"
            ));
        }
    };
    if missing {
        return Ok(Search::Missing(alternatives));
    }
    let truth = |found: &Alternative| found.path.leaf == Leaf::Truth;
    match kind {
        Kind::Token if alternatives.iter().all(truth) => Ok(Search::Truth(alternatives)),
        Kind::Token => Ok(Search::Token(alternatives)),
        Kind::Reference => Ok(Search::Reference(alternatives)),
        Kind::String => Ok(Search::Text(alternatives)),
        Kind::Uri => Ok(Search::Uri(alternatives)),
        _ => refused(format!(
            "search parameter {name} is a {kind} parameter; criteria of this kind are not supported by this version, except with :missing"
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
