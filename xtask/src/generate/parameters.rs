//! Reduces search parameter expressions to concrete JSON paths, one line per resource type and parameter.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::elements::{Node, Tree, capitalised, list, text};
use super::expression::{self, Step};

/// A path that is being followed: the text so far and the element it stands on.
#[derive(Clone)]
struct Place {
    path: String,
    node: Node,
    filter: Option<String>,
}

/// The table: `Type`, then one line per parameter: ` code kind alternatives` or ` code kind - reason`.
pub fn reduce(tree: &Tree, definitions: &[Value]) -> Result<String> {
    let mut table: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
    for definition in definitions {
        let code = text(definition, "code")?;
        let kind = text(definition, "type")?;
        for base in list(definition, "base").iter().filter_map(Value::as_str) {
            let line = match reduce_one(tree, definition, base, kind) {
                Ok(alternatives) => format!("{code} {kind} {}", alternatives.join(" | ")),
                Err(reason) => format!("{code} {kind} - {reason}"),
            };
            // HL7's definition comes first and stays.
            table.entry(base).or_default().entry(code).or_insert(line);
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

fn reduce_one(tree: &Tree, definition: &Value, base: &str, kind: &str) -> Result<Vec<String>> {
    let Ok(expression) = text(definition, "expression") else {
        bail!("it has no expression: it searches more than one element holds");
    };
    if kind == "composite" {
        bail!("composite");
    }
    if kind == "special" {
        bail!("special");
    }
    if expression == "Patient.deceased.exists() and Patient.deceased != false" {
        return Ok(vec![
            "deceasedBoolean:truth".to_owned(),
            "deceasedDateTime:truth".to_owned(),
        ]);
    }
    let targets: Vec<&str> = list(definition, "target")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mut found = Vec::new();
    let mut unusable = None;
    for alternative in expression::alternatives(expression) {
        let Ok(steps) = expression::parse(alternative) else {
            bail!("its expression computes a value: {expression}");
        };
        // Most expressions start with the type; a few are relative to it.
        let steps = match steps.split_first() {
            Some((Step::Member(root), rest)) if tree.is_resource(root) => {
                if root != base {
                    continue;
                }
                rest
            }
            _ => &steps[..],
        };
        for place in follow(tree, base, steps)? {
            for name in &place.node.types {
                if fits(kind, name) {
                    let leaf = leaf(tree, &place, name, &targets);
                    let line = format!("{}:{leaf}", place.path);
                    if !found.contains(&line) {
                        found.push(line);
                    }
                } else {
                    unusable = Some(format!("{} has the type {name}", place.path));
                }
            }
        }
    }
    if found.is_empty() {
        bail!("{}", unusable.context("its expression selects nothing")?);
    }
    Ok(found)
}

/// Follows the steps of one alternative to all the JSON members it may end at.
fn follow(tree: &Tree, base: &str, steps: &[Step]) -> Result<Vec<Place>> {
    let root = Node {
        types: vec![base.to_owned()],
        ..Node::default()
    };
    let mut places = vec![Place {
        path: String::new(),
        node: root,
        filter: None,
    }];
    let mut steps = steps.iter().peekable();
    while let Some(step) = steps.next() {
        match step {
            Step::Member(member) => {
                let mut next = Vec::new();
                for place in &places {
                    let node = tree
                        .child(&place.node, member)
                        .with_context(|| format!("{base} has no element {member} there"))?;
                    let cast = match steps.peek() {
                        Some(Step::As(name)) => Some(name.as_str()),
                        _ => None,
                    };
                    next.extend(concrete(place, &node, cast)?);
                }
                if matches!(steps.peek(), Some(Step::As(_))) {
                    steps.next();
                }
                places = next;
            }
            Step::Where(member, value) => {
                for place in &mut places {
                    write!(place.path, "[{member}=\"{value}\"]")?;
                }
            }
            Step::Resolves(target) => {
                for place in &mut places {
                    place.filter = Some(target.clone());
                }
            }
            Step::As(name) => bail!("cast to {name}"),
        }
    }
    Ok(places)
}

/// The JSON members of an element: one, or one per type of a choice.
fn concrete(place: &Place, node: &Node, cast: Option<&str>) -> Result<Vec<Place>> {
    let many = if node.many { "*" } else { "" };
    let dot = if place.path.is_empty() { "" } else { "." };
    if !node.choice {
        if let Some(name) = cast.filter(|name| node.types.iter().all(|found| found != name)) {
            bail!("{} is not a {name}", node.name);
        }
        let path = format!("{}{dot}{}{many}", place.path, node.name);
        return Ok(vec![Place {
            path,
            node: node.clone(),
            filter: None,
        }]);
    }
    let places: Vec<Place> = node
        .types
        .iter()
        .filter(|name| cast.is_none_or(|cast| cast == name.as_str()))
        .map(|name| Place {
            path: format!(
                "{}{dot}{}{}{many}",
                place.path,
                node.name,
                capitalised(name)
            ),
            node: Node {
                choice: false,
                types: vec![name.clone()],
                ..node.clone()
            },
            filter: None,
        })
        .collect();
    if places.is_empty() {
        bail!("{}[x] is never a {}", node.name, cast.unwrap_or_default());
    }
    Ok(places)
}

/// Which element types a kind of parameter can search.
fn fits(kind: &str, name: &str) -> bool {
    let text = [
        "string",
        "markdown",
        "code",
        "id",
        "uri",
        "url",
        "canonical",
        "oid",
        "uuid",
    ];
    match kind {
        "token" => {
            text.contains(&name)
                || [
                    "Coding",
                    "CodeableConcept",
                    "Identifier",
                    "ContactPoint",
                    "boolean",
                ]
                .contains(&name)
        }
        "reference" => ["Reference", "canonical", "uri", "url"].contains(&name),
        "string" => text.contains(&name) || ["HumanName", "Address"].contains(&name),
        "uri" => ["uri", "url", "canonical", "oid", "uuid"].contains(&name),
        "date" => ["date", "dateTime", "instant", "Period", "Timing"].contains(&name),
        "number" => ["integer", "decimal", "positiveInt", "unsignedInt", "Range"].contains(&name),
        "quantity" => [
            "Quantity",
            "Age",
            "Duration",
            "Count",
            "Distance",
            "Money",
            "Range",
            "SampledData",
        ]
        .contains(&name),
        _ => false,
    }
}

/// The type of the element, for a reference with what it may point to: `Reference(A|B)` for the element's own
/// targets, `Reference!A` where the expression takes only references to that type.
fn leaf(tree: &Tree, place: &Place, name: &str, targets: &[&str]) -> String {
    if name != "Reference" {
        return name.to_owned();
    }
    if let Some(filter) = &place.filter {
        return format!("Reference!{filter}");
    }
    let mut own: Vec<&str> = place.node.targets.iter().map(String::as_str).collect();
    if own.is_empty() {
        own = targets
            .iter()
            .copied()
            .filter(|target| tree.is_resource(target))
            .collect();
        own.sort_unstable();
        if own.len() > 25 {
            own.clear();
        }
    }
    if own.is_empty() {
        "Reference".to_owned()
    } else {
        format!("Reference({})", own.join("|"))
    }
}
