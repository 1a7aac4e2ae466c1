//! Follows a parsed expression through the elements of a type to the JSON members it selects.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail, ensure};

use super::elements::{Node, Tree, capitalised};
use super::expression::Step;

/// A path that is being followed: the text so far and the element it stands on.
#[derive(Clone)]
pub struct Place {
    pub path: String,
    pub node: Node,
    filter: Option<String>,
}

impl Place {
    /// A resource of type `name` itself.
    pub fn root(name: &str) -> Self {
        Self::at(Node {
            types: vec![name.to_owned()],
            ..Node::default()
        })
    }

    /// An element from which paths are to start anew.
    pub fn at(node: Node) -> Self {
        Place {
            path: String::new(),
            node,
            filter: None,
        }
    }
}

/// Follows the steps of one alternative to all the JSON members it may end at.
pub fn follow(tree: &Tree, start: Place, steps: &[Step]) -> Result<Vec<Place>> {
    let mut places = vec![start];
    let mut steps = steps.iter().peekable();
    while let Some(step) = steps.next() {
        match step {
            Step::Member(member) => {
                let mut next = Vec::new();
                for place in &places {
                    let node = tree.child(&place.node, member).with_context(|| {
                        format!("there is no element {member} after `{}`", place.path)
                    })?;
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
            Step::Index(index) => {
                for place in &mut places {
                    ensure!(place.node.many, "{} is not a list", place.path);
                    write!(place.path, "[{index}]")?;
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
        if let Some(name) =
            cast.filter(|cast| node.types.iter().all(|found| !is_named(found, cast)))
        {
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
        .filter(|name| cast.is_none_or(|cast| is_named(name, cast)))
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

/// Whether a cast names this type. HL7 writes `DateTime` in places; no two types differ in case only.
fn is_named(name: &str, cast: &str) -> bool {
    name.eq_ignore_ascii_case(cast)
}

/// Which element types a kind of parameter can search.
pub fn fits(kind: &str, name: &str) -> bool {
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
        "reference" => ["Reference", "Resource", "canonical", "uri", "url"].contains(&name),
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
/// targets, `Reference!A` where the expression takes only references to that type. A resource inside the document, of
/// which the parameter takes only some types, is `Resource!A`.
pub fn leaf(tree: &Tree, place: &Place, name: &str, targets: &[&str]) -> String {
    if name == "Resource" && !targets.is_empty() {
        return format!("Resource!{}", targets.join("|"));
    }
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
