//! Composite parameters: several parts that must hold for the same element, the *context*.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::elements::{Tree, list, text};
use super::expression;
use super::parameters::{search, select, targets};
use super::places::Place;

/// The kinds of parts whose definitions do not tell: composite, expression of the part, kind. HL7's `relationship` names
/// the definitions of its two parts the wrong way round; those of `progress-status-…` are not in the package.
const KINDS: [(&str, &str, &str); 9] = [
    ("relationship", "code", "token"),
    ("relationship", "target", "reference"),
    ("progress-status-state-actual", "state", "token"),
    ("progress-status-state-actual", "actual", "token"),
    ("progress-status-state-period", "state", "token"),
    ("progress-status-state-period", "period", "date"),
    ("progress-status-state-period-actual", "state", "token"),
    ("progress-status-state-period-actual", "period", "date"),
    ("progress-status-state-period-actual", "actual", "token"),
];

/// What a composite searches in the type `base`: `context | context $ kind alternative | alternative $ kind …`. A
/// context is `.`, the resource itself, or a path; alternatives are relative to it, with a leading `/` to the resource.
pub fn reduce(
    tree: &Tree,
    definitions: &[Value],
    definition: &Value,
    base: &str,
) -> Result<String> {
    let mut contexts = Vec::new();
    for alternative in expression::alternatives(text(definition, "expression")?) {
        contexts.extend(select(tree, base, &Place::root(base), alternative)?);
    }
    ensure!(!contexts.is_empty(), "its expression selects nothing");
    let mut written = Vec::new();
    for context in &contexts {
        written.push(match context.path.as_str() {
            "" => ".",
            path => path,
        });
    }
    let mut line = written.join(" | ");
    let components = list(definition, "component");
    ensure!(components.len() > 1, "a composite has several parts");
    for component in components {
        let part = Part::find(definitions, definition, component)?;
        let mut found: Option<Vec<String>> = None;
        for context in &contexts {
            let here = part.alternatives(tree, base, context)?;
            if let Some(before) = found.filter(|before| *before != here) {
                bail!(
                    "`{}` selects {here:?} in one context and {before:?} in another",
                    part.expression
                );
            }
            found = Some(here);
        }
        let found = found.unwrap_or_default();
        line = format!("{line} $ {} {}", part.kind, found.join(" | "));
    }
    Ok(line)
}

/// One part of a composite.
struct Part<'a> {
    kind: &'a str,
    expression: &'a str,
    targets: Vec<&'a str>,
}

impl<'a> Part<'a> {
    /// Reads a component; its kind is that of the parameter it names by URL.
    fn find(definitions: &'a [Value], composite: &Value, component: &'a Value) -> Result<Part<'a>> {
        let expression = text(component, "expression")?;
        let code = text(composite, "code")?;
        let known = KINDS
            .iter()
            .find(|(of, part, _)| *of == code && *part == expression);
        if let Some((_, _, kind)) = known {
            return Ok(Part {
                kind,
                expression,
                targets: Vec::new(),
            });
        }
        let url = text(component, "definition")?;
        let named = definitions
            .iter()
            .find(|named| named.get("url").and_then(Value::as_str) == Some(url))
            .with_context(|| format!("{url} is not defined"))?;
        Ok(Part {
            kind: text(named, "type")?,
            expression,
            targets: targets(named),
        })
    }

    /// The members that the part searches, seen from a context.
    fn alternatives(&self, tree: &Tree, base: &str, context: &Place) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for alternative in expression::alternatives(self.expression) {
            let (start, slash, rest) = match alternative.strip_prefix("%resource.") {
                Some(rest) => (Place::root(base), "/", rest),
                None => (Place::at(context.node.clone()), "", alternative),
            };
            for one in search(tree, base, &start, rest, self.kind, &self.targets)? {
                found.push(format!("{slash}{one}"));
            }
        }
        Ok(found)
    }
}
