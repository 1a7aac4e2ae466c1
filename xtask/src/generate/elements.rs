//! The element tree of all types: read from StructureDefinition snapshots, written as an indented list.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use serde_json::Value;

/// One element of a type.
#[derive(Debug, Default, Clone)]
pub struct Node {
    /// Name without `[x]`.
    pub name: String,
    /// More than one is allowed: a JSON array.
    pub many: bool,
    /// A choice: the JSON member is the name followed by the type.
    pub choice: bool,
    /// Type names.
    pub types: Vec<String>,
    /// Resource types a Reference may point to; empty means any.
    pub targets: Vec<String>,
    /// The path of the element whose children this one repeats.
    pub repeats: Option<String>,
    /// Child elements of a backbone element.
    pub children: Vec<Node>,
}

/// A resource type, datatype or primitive.
#[derive(Debug, Default)]
pub struct Type {
    kind: &'static str,
    base: Option<String>,
    /// Elements that the type adds to its base.
    pub children: Vec<Node>,
}

/// All types by name.
#[derive(Debug, Default)]
pub struct Tree {
    types: BTreeMap<String, Type>,
}

/// The array member `name`, or nothing.
pub fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The string member `name`.
pub fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    value
        .get(name)
        .and_then(Value::as_str)
        .with_context(|| format!("member {name} is missing"))
}

fn last_segment(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

impl Tree {
    /// Adds every StructureDefinition that defines a type (profiles of types are left out).
    pub fn add(&mut self, definitions: &[Value]) -> Result<()> {
        for definition in definitions {
            let is_type = definition.get("resourceType").and_then(Value::as_str)
                == Some("StructureDefinition")
                && definition.get("derivation").and_then(Value::as_str) != Some("constraint");
            let name = last_segment(
                definition
                    .get("type")
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
            );
            let elements = definition
                .get("snapshot")
                .map_or(&[][..], |snapshot| list(snapshot, "element"));
            if !is_type || name.is_empty() || elements.is_empty() || name == "MetadataResource" {
                continue;
            }
            let kind = match text(definition, "kind")? {
                "resource" => "resource",
                "logical" if name == "ViewDefinition" => "resource",
                "primitive-type" => "primitive",
                "complex-type" => "datatype",
                _ => continue,
            };
            let base = definition
                .get("baseDefinition")
                .and_then(Value::as_str)
                .map(last_segment)
                // ViewDefinition is a logical model in its definition and a resource in the server.
                .map(|base| match (name, base) {
                    ("ViewDefinition", "Base") => "DomainResource",
                    _ => base,
                })
                .filter(|base| *base != "Base")
                .map(str::to_owned);
            let mut root = Type {
                kind,
                base,
                children: Vec::new(),
            };
            if kind != "primitive" {
                for element in elements {
                    add_element(&mut root, name, element)?;
                }
            }
            self.types.insert(name.to_owned(), root);
        }
        Ok(())
    }

    /// Adds a resource type whose own elements are not known.
    pub fn add_undescribed(&mut self, name: &str) {
        let undescribed = Type {
            kind: "undescribed",
            base: Some("DomainResource".to_owned()),
            children: Vec::new(),
        };
        self.types.insert(name.to_owned(), undescribed);
    }

    /// Adds a primitive type that has no definition.
    pub fn add_primitive(&mut self, name: &str) {
        let primitive = Type {
            kind: "primitive",
            base: Some("Element".to_owned()),
            children: Vec::new(),
        };
        self.types.insert(name.to_owned(), primitive);
    }

    /// Whether `name` is a resource type (abstract ones included).
    pub fn is_resource(&self, name: &str) -> bool {
        self.types
            .get(name)
            .is_some_and(|found| matches!(found.kind, "resource" | "undescribed"))
    }

    /// The element `member` of type `name`, its base types included. A choice is found by its name without the type, or
    /// by its full JSON member; then only that type is left.
    pub fn child_of_type(&self, name: &str, member: &str) -> Option<Node> {
        let mut current = Some(name);
        while let Some(found) = current.and_then(|name| self.types.get(name)) {
            if let Some(node) = find(&found.children, member) {
                return Some(node);
            }
            current = found.base.as_deref();
        }
        None
    }

    /// The element `member` below an element.
    pub fn child(&self, node: &Node, member: &str) -> Option<Node> {
        if let Some(path) = &node.repeats {
            let mut parts = path.split('.');
            let mut target = self.child_of_type(parts.next()?, parts.next()?)?;
            for part in parts {
                target = self.child(&target, part)?;
            }
            return self.child(&target, member);
        }
        find(&node.children, member).or_else(|| self.child_of_type(node.types.first()?, member))
    }
}

fn find(nodes: &[Node], member: &str) -> Option<Node> {
    nodes.iter().find_map(|node| {
        if node.name == member {
            return Some(node.clone());
        }
        let suffix = member.strip_prefix(&node.name).filter(|_| node.choice)?;
        let name = node.types.iter().find(|name| capitalised(name) == suffix)?;
        let concrete = Node {
            name: member.to_owned(),
            choice: false,
            types: vec![name.clone()],
            ..node.clone()
        };
        Some(concrete)
    })
}

/// `dateTime` as it appears in `valueDateTime`.
pub fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn add_element(root: &mut Type, type_name: &str, element: &Value) -> Result<()> {
    let path = text(element, "path")?;
    let Some(relative) = path.split_once('.').map(|(_, rest)| rest) else {
        return Ok(());
    };
    let inherited = element
        .get("base")
        .and_then(|base| base.get("path"))
        .and_then(Value::as_str)
        .is_some_and(|base| base != path && base.split('.').next() != Some(type_name));
    if inherited || element.get("max").and_then(Value::as_str) == Some("0") {
        return Ok(());
    }
    let mut types = Vec::new();
    let mut targets = Vec::new();
    let mut any = false;
    for one in list(element, "type") {
        let code = last_segment(text(one, "code")?);
        types.push(match code.strip_prefix("System.") {
            None => code.to_owned(),
            // The definition says string; the data type `id` is what the specification's text and its schema say.
            Some(_) if path == "Resource.id" => "id".to_owned(),
            Some(name) => list(one, "extension")
                .iter()
                .filter_map(|extension| extension.get("valueUrl")?.as_str())
                .next()
                .map_or_else(|| name.to_lowercase(), str::to_owned),
        });
        if code == "Reference" {
            let profiles = list(one, "targetProfile");
            any |= profiles.is_empty();
            for profile in profiles.iter().filter_map(Value::as_str).map(last_segment) {
                any |= profile == "Resource";
                targets.push(profile.to_owned());
            }
        }
    }
    types.dedup();
    if any {
        targets.clear();
    }
    targets.sort();
    targets.dedup();
    let (parent, name) = relative
        .rsplit_once('.')
        .map_or((None, relative), |(parent, name)| (Some(parent), name));
    let node = Node {
        name: name.trim_end_matches("[x]").to_owned(),
        many: element
            .get("max")
            .and_then(Value::as_str)
            .is_some_and(|max| max != "1"),
        choice: name.ends_with("[x]"),
        types,
        targets,
        repeats: element
            .get("contentReference")
            .and_then(Value::as_str)
            .map(|reference| reference.rsplit('#').next().unwrap_or(reference).to_owned()),
        children: Vec::new(),
    };
    let mut siblings = &mut root.children;
    for part in parent.into_iter().flat_map(|parent| parent.split('.')) {
        let part = part.trim_end_matches("[x]");
        siblings = &mut siblings
            .iter_mut()
            .find(|sibling| sibling.name == part)
            .with_context(|| format!("parent of {path} is missing"))?
            .children;
    }
    siblings.push(node);
    Ok(())
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, found) in &self.types {
            let base = found.base.as_deref().unwrap_or("-");
            writeln!(f, "{} {name} {base}", found.kind)?;
            write_nodes(f, &found.children, 1)?;
        }
        Ok(())
    }
}

fn write_nodes(f: &mut fmt::Formatter<'_>, nodes: &[Node], depth: usize) -> fmt::Result {
    for node in nodes {
        let (many, choice) = (
            if node.many { "*" } else { "" },
            if node.choice { "[x]" } else { "" },
        );
        write!(f, "{:depth$}{}{choice}{many}", "", node.name)?;
        if let Some(path) = &node.repeats {
            write!(f, " #{path}")?;
        }
        for name in &node.types {
            write!(f, " {name}")?;
            if name == "Reference" && !node.targets.is_empty() {
                write!(f, "({})", node.targets.join("|"))?;
            }
        }
        writeln!(f)?;
        write_nodes(f, &node.children, depth + 1)?;
    }
    Ok(())
}
