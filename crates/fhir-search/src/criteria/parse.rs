//! `Type?name:modifier=value&…`: finds the parameters and checks everything that needs no membership.

use super::error::{CriteriaError, shown};
use super::parameter::search;
use super::syntax::{self, MOST_BYTES, MOST_VALUES, Percent, Piece, Template};
use super::value::{self, Wrong};
use super::{Condition, Criteria, Item, Search};
use crate::model;

/// The most parameters in one criteria.
const MOST_PARAMETERS: usize = 1_000;

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
            Piece::Text(_) | Piece::Pipe | Piece::Dollar => None,
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
        search.check_template(&template.pieces).map_err(fail)?;
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
