//! From a parameter and its values to a predicate: the exact test, and the documents whose containment decides it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::compartment;
use crate::criteria::Target;
use crate::path::{Leaf, Path, Step};
use crate::predicate::{Match, Predicate};
use crate::table::Alternative;
use crate::test::{Test, TestOp, Token, TokenSystem, last_two, relative};

/// An id may be of at most so many types to be looked up as `Type/id`.
const MOST_TYPES: usize = 25;

/// The most documents that one condition may ask containment of.
const MOST_DOCUMENTS: usize = 20_000;

/// Some element is there.
pub fn present(alternatives: &[Alternative]) -> Predicate {
    let groups = grouped(alternatives, |found| {
        if found.only_targets {
            found.targets.as_slice()
        } else {
            &[]
        }
    });
    Predicate::any(groups.into_iter().map(|(types, paths)| {
        let types = types.iter().map(|name| (*name).to_owned()).collect();
        exact_only(paths, TestOp::Present { types })
    }))
}

/// Some element has one of the tokens.
pub fn tokens(alternatives: &[Alternative], tokens: Vec<Token>) -> Predicate {
    // That an element has no system cannot be asked by containment.
    let (without, plain): (Vec<Token>, Vec<Token>) = tokens
        .into_iter()
        .partition(|token| token.system == TokenSystem::None);
    let paths = |keep: &dyn Fn(Leaf) -> bool| -> Vec<Path> {
        let kept = alternatives.iter().filter(|found| keep(found.path.leaf));
        kept.map(|found| found.path.clone()).collect()
    };
    Predicate::any([
        token_match(paths(&|_| true), plain),
        token_match(paths(&|leaf| !leaf.has_system()), without.clone()),
        if without.is_empty() {
            Predicate::Constant(false)
        } else {
            exact_only(paths(&Leaf::has_system), TestOp::Token(without))
        },
    ])
}

fn token_match(paths: Vec<Path>, tokens: Vec<Token>) -> Predicate {
    let documents = paths.iter().flat_map(|path| {
        let tokens = tokens.iter();
        tokens.filter_map(move |token| document(&path.steps, token_value(path.leaf, token)?))
    });
    let contains = limited(documents, paths.len().saturating_mul(tokens.len()));
    matched(paths, TestOp::Token(tokens), contains, false)
}

/// What an element that has the token contains.
fn token_value(leaf: Leaf, token: &Token) -> Option<Value> {
    let name = match leaf {
        Leaf::Coding | Leaf::CodeableConcept => "code",
        Leaf::Identifier | Leaf::ContactPoint => "value",
        _ if matches!(token.system, TokenSystem::Is(_)) => return None,
        Leaf::Boolean => {
            return match token.code.as_deref() {
                Some("true") => Some(json!(true)),
                Some("false") => Some(json!(false)),
                _ => None,
            };
        }
        _ => return token.code.as_deref().map(Value::from),
    };
    let mut members = Map::new();
    if let TokenSystem::Is(system) = &token.system {
        members.insert("system".to_owned(), Value::from(system.as_str()));
    }
    if let Some(code) = &token.code {
        members.insert(name.to_owned(), Value::from(code.as_str()));
    }
    let value = Value::Object(members);
    Some(if leaf == Leaf::CodeableConcept {
        json!({ "coding": [value] })
    } else {
        value
    })
}

/// Whether some element is there and not `false`.
pub fn truth(alternatives: &[Alternative], expected: bool) -> Predicate {
    let paths: Vec<Path> = alternatives
        .iter()
        .map(|found| found.path.clone())
        .collect();
    exact_only(paths, TestOp::Truth(expected))
}

/// Some string part starts with one of the values.
pub fn starts_with(alternatives: &[Alternative], values: Vec<String>) -> Predicate {
    let paths: Vec<Path> = alternatives
        .iter()
        .map(|found| found.path.clone())
        .collect();
    exact_only(paths, TestOp::StartsWith(values))
}

/// Some string is one of the values.
pub fn equals(paths: Vec<Path>, values: Vec<String>) -> Predicate {
    let documents = paths.iter().flat_map(|path| {
        let values = values.iter();
        values.filter_map(move |value| document(&path.steps, Value::from(value.as_str())))
    });
    let contains = limited(documents, paths.len().saturating_mul(values.len()));
    matched(paths, TestOp::Equals(values), contains, false)
}

/// Some reference is to one of the targets.
pub fn references(alternatives: &[Alternative], targets: &[Target]) -> Predicate {
    let (references, texts): (Vec<Alternative>, Vec<Alternative>) = alternatives
        .iter()
        .cloned()
        .partition(|found| found.datatype == "Reference");
    let (filtered, open): (Vec<Alternative>, Vec<Alternative>) =
        references.into_iter().partition(|found| found.only_targets);
    let mut parts = Vec::new();
    if !texts.is_empty() {
        let paths = texts.into_iter().map(|found| found.path).collect();
        parts.push(equals(
            paths,
            targets.iter().map(Target::to_string).collect(),
        ));
    }
    let (ids, named): (Vec<&Target>, Vec<&Target>) = targets
        .iter()
        .partition(|target| matches!(target, Target::Id(_)));
    let named: Vec<String> = named.into_iter().map(Target::to_string).collect();
    let ids: Vec<String> = ids.into_iter().map(Target::to_string).collect();
    parts.push(named_match(
        open.iter().map(|found| found.path.clone()).collect(),
        named.clone(),
    ));
    for (types, paths) in grouped(&open, |found| found.targets.as_slice()) {
        parts.push(id_match(paths, ids.clone(), types));
    }
    for (types, paths) in grouped(&filtered, |found| found.targets.as_slice()) {
        let of_type = |target: &&String| {
            relative(last_two(target)).is_some_and(|(kind, _)| types.contains(&kind))
        };
        let named = named.iter().filter(of_type).cloned().collect();
        parts.push(named_match(paths.clone(), named));
        parts.push(id_match(paths, ids.clone(), types));
    }
    Predicate::any(parts)
}

/// References given in full.
fn named_match(paths: Vec<Path>, targets: Vec<String>) -> Predicate {
    let documents = paths.iter().flat_map(|path| {
        let targets = targets.iter();
        targets.filter_map(move |target| document(&path.steps, json!({ "reference": target })))
    });
    let contains = limited(documents, paths.len().saturating_mul(targets.len()));
    if targets.is_empty() {
        return Predicate::Constant(false);
    }
    matched(
        paths,
        TestOp::Reference {
            targets,
            ids: Vec::new(),
            types: Vec::new(),
        },
        contains,
        true,
    )
}

/// References given by id, to any of the types.
fn id_match(paths: Vec<Path>, ids: Vec<String>, types: &[&str]) -> Predicate {
    if ids.is_empty() {
        return Predicate::Constant(false);
    }
    let mut contains = Vec::new();
    if types.len() <= MOST_TYPES {
        let documents = paths.iter().flat_map(|path| {
            types
                .iter()
                .flat_map(|kind| ids.iter().map(move |id| (kind, id)))
                .filter_map(move |(kind, id)| {
                    document(&path.steps, json!({ "reference": format!("{kind}/{id}") }))
                })
        });
        contains = limited(
            documents,
            paths
                .len()
                .saturating_mul(ids.len())
                .saturating_mul(types.len()),
        );
    }
    let types = types.iter().map(|name| (*name).to_owned()).collect();
    matched(
        paths,
        TestOp::Reference {
            targets: Vec::new(),
            ids,
            types,
        },
        contains,
        true,
    )
}

/// The row is in the compartment of one of the targets: it is the target, it refers to it by a parameter of the R4
/// compartment definition, or it is its account.
pub fn compartments(resource_type: &str, targets: &[Target]) -> Predicate {
    let accounts = || -> Vec<Path> {
        [("account", false), ("accounts", true)]
            .map(account)
            .to_vec()
    };
    let members = |kind: &str| {
        compartment::references(kind, resource_type)
            .iter()
            .map(|found| found.path.clone())
    };
    let mut own = Vec::new();
    let mut ids = Vec::new();
    let mut urls = Vec::new();
    let mut typed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for target in targets {
        match target {
            Target::Id(id) => {
                own.push(id.clone());
                ids.push(id.clone());
            }
            Target::Resource(kind, id) => {
                if kind == resource_type {
                    own.push(id.clone());
                }
                typed.entry(kind).or_default().push(target.to_string());
            }
            Target::Url(url) => urls.push(url.clone()),
        }
    }
    own.sort_unstable();
    own.dedup();
    let mut parts = Vec::new();
    if !own.is_empty() {
        parts.push(Predicate::Id(own));
    }
    for (kind, targets) in typed {
        parts.push(named_match(
            members(kind).chain(accounts()).collect(),
            targets,
        ));
    }
    for kind in compartment::types() {
        let targets = ids.iter().map(|id| format!("{kind}/{id}")).collect();
        parts.push(named_match(members(kind).collect(), targets));
    }
    parts.push(named_match(accounts(), urls));
    parts.push(id_match(accounts(), ids, &[]));
    Predicate::any(parts)
}

fn account((member, many): (&str, bool)) -> Path {
    let step = |member: &str, many| Step {
        member: member.to_owned(),
        many,
        filter: None,
    };
    Path {
        steps: vec![step("meta", false), step(member, many)],
        leaf: Leaf::Reference,
    }
}

/// The paths of the alternatives by a property that tells them apart.
fn grouped<'a, K: Ord>(
    alternatives: &'a [Alternative],
    key: impl Fn(&'a Alternative) -> K,
) -> BTreeMap<K, Vec<Path>> {
    let mut groups: BTreeMap<K, Vec<Path>> = BTreeMap::new();
    for found in alternatives {
        groups
            .entry(key(found))
            .or_default()
            .push(found.path.clone());
    }
    groups
}

fn exact_only(paths: Vec<Path>, op: TestOp) -> Predicate {
    matched(paths, op, Vec::new(), false)
}

fn matched(paths: Vec<Path>, op: TestOp, contains: Vec<Value>, references: bool) -> Predicate {
    let no_values = match &op {
        TestOp::Token(values) => values.is_empty(),
        TestOp::StartsWith(values) | TestOp::Equals(values) => values.is_empty(),
        TestOp::Reference { targets, ids, .. } => targets.is_empty() && ids.is_empty(),
        TestOp::Present { .. } | TestOp::Truth(_) => false,
    };
    if paths.is_empty() || no_values {
        return Predicate::Constant(false);
    }
    Predicate::Match(Match {
        contains,
        exact: Test::new(paths, op),
        references,
    })
}

/// The documents, or none at all when there would be too many.
fn limited(documents: impl Iterator<Item = Value>, count: usize) -> Vec<Value> {
    if count > MOST_DOCUMENTS {
        Vec::new()
    } else {
        documents.collect()
    }
}

/// The smallest document that has `value` at the end of the path; `None` when the path's own filter excludes it.
fn document(steps: &[Step], value: Value) -> Option<Value> {
    steps.iter().rev().try_fold(value, |mut value, step| {
        if let Some(filter) = &step.filter {
            let expected = Value::from(filter.value.as_str());
            let members = value.as_object_mut()?;
            if members
                .get(&filter.member)
                .is_some_and(|found| *found != expected)
            {
                return None;
            }
            members.insert(filter.member.clone(), expected);
        }
        let value = if step.many {
            Value::Array(vec![value])
        } else {
            value
        };
        Some(Value::Object(Map::from_iter([(
            step.member.clone(),
            value,
        )])))
    })
}
