//! Reduces search parameter expressions to concrete JSON paths, one line per resource type and parameter.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::composite;
use super::elements::{Tree, list, text};
use super::expression::{self, Step};
use super::places::{Place, fits, follow, leaf};

/// Parameters that cannot be criteria, and why: the end of "search parameter NAME is not supported in criteria: …".
const REFUSED: [(&str, &str); 6] = [
    (
        "_content",
        "it searches the words of the whole resource, not an element",
    ),
    ("_query", "it names a query of the server, not an element"),
    (
        "_text",
        "it searches the words of the narrative, not an element",
    ),
    ("near", "it needs a position to measure the distance from"),
    (
        "priority-order",
        "it is computed from priority, for sorting",
    ),
    (
        "profile-type",
        "it is computed, for sorting, from the resource that profile refers to",
    ),
];

/// The table: `Type`, then one line per parameter: ` code kind alternatives` or ` code kind - reason`.
pub fn reduce(tree: &Tree, definitions: &[Value]) -> Result<String> {
    let mut table: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
    for definition in definitions {
        let code = text(definition, "code")?;
        let kind = text(definition, "type")?;
        for base in list(definition, "base").iter().filter_map(Value::as_str) {
            let rest = rest_of_line(tree, definitions, definition, base)
                .with_context(|| format!("parameter {code} of {base}"))?;
            // HL7's definition comes first and stays.
            table
                .entry(base)
                .or_default()
                .entry(code)
                .or_insert_with(|| format!("{code} {kind} {rest}"));
        }
    }
    let mut out = String::new();
    for (base, lines) in table {
        writeln!(out, "{base}")?;
        for line in lines.values() {
            writeln!(out, " {line}")?;
        }
    }
    Ok(out)
}

/// What a parameter searches in the type `base`, or why it is refused. Everything else is an error: nothing is left out
/// without a reason that somebody wrote.
fn rest_of_line(
    tree: &Tree,
    definitions: &[Value],
    definition: &Value,
    base: &str,
) -> Result<String> {
    let code = text(definition, "code")?;
    if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| *refused == code) {
        return Ok(format!("- {reason}"));
    }
    let expression = text(definition, "expression")?;
    if expression == "Patient.deceased.exists() and Patient.deceased != false" {
        return Ok("deceasedBoolean:truth | deceasedDateTime:truth".to_owned());
    }
    match text(definition, "type")? {
        "composite" => composite::reduce(tree, definitions, definition, base),
        kind => {
            let targets = targets(definition);
            let found = search(tree, base, &Place::root(base), expression, kind, &targets)?;
            Ok(found.join(" | "))
        }
    }
}

/// The members that an expression selects in the type `base` and whose types fit the kind, as they are written:
/// `path:Type`. Each alternative that is about this type must give one, so that none is lost.
pub fn search(
    tree: &Tree,
    base: &str,
    start: &Place,
    expression: &str,
    kind: &str,
    targets: &[&str],
) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for alternative in expression::alternatives(expression) {
        let selected = select(tree, base, start, alternative)?;
        let mut fitting = selected
            .iter()
            .flat_map(|place| place.node.types.iter().map(move |name| (place, name)))
            .filter(|(_, name)| fits(kind, name))
            .map(|(place, name)| format!("{}:{}", place.path, leaf(tree, place, name, targets)))
            .peekable();
        ensure!(
            selected.is_empty() || fitting.peek().is_some(),
            "nothing in `{alternative}` is a {kind}"
        );
        for one in fitting {
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
    ensure!(
        !found.is_empty(),
        "`{expression}` selects nothing in {base}"
    );
    Ok(found)
}

/// The JSON members that one alternative selects, starting from an element of the type `base`. None where it is about
/// another type.
pub fn select(tree: &Tree, base: &str, start: &Place, alternative: &str) -> Result<Vec<Place>> {
    let steps = expression::parse(alternative)?;
    // Most expressions start with the type; a few are relative to it.
    match steps.split_first() {
        Some((Step::Member(root), rest)) if tree.is_resource(root) => {
            if root == base {
                follow(tree, Place::root(base), rest)
            } else {
                Ok(Vec::new())
            }
        }
        _ => follow(tree, start.clone(), &steps),
    }
}

/// The resource types that a parameter says it refers to.
pub fn targets(definition: &Value) -> Vec<&str> {
    list(definition, "target")
        .iter()
        .filter_map(Value::as_str)
        .collect()
}
