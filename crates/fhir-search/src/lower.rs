//! From a parameter and its values to a predicate.

use std::collections::BTreeMap;

use crate::compartment;
use crate::criteria::Target;
use crate::path::{Leaf, Path, Step};
use crate::predicate::Predicate;
use crate::table::Alternative;
use crate::test::{Elements, Test, TestOp, Token, TokenSystem, last_two, relative};

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
        test(paths, TestOp::Present { types })
    }))
}

/// Some element has one of the tokens.
pub fn tokens(alternatives: &[Alternative], tokens: Vec<Token>) -> Predicate {
    // That an element has no system cannot be asked of an index: the others stay apart from it.
    let (without, plain): (Vec<Token>, Vec<Token>) = tokens
        .into_iter()
        .partition(|token| token.system == TokenSystem::None);
    let paths = |keep: &dyn Fn(Leaf) -> bool| -> Vec<Path> {
        let kept = alternatives.iter().filter(|found| keep(found.path.leaf));
        kept.map(|found| found.path.clone()).collect()
    };
    Predicate::any([
        test(paths(&|_| true), TestOp::Token(plain)),
        test(
            paths(&|leaf| !leaf.has_system()),
            TestOp::Token(without.clone()),
        ),
        test(paths(&Leaf::has_system), TestOp::Token(without)),
    ])
}

/// Some reference has an identifier that is one of the tokens. (What a reference that is only an identifier refers to is not
/// known: parameters for references to one type are not among the alternatives.)
pub fn identifiers(alternatives: &[Alternative], values: Vec<Token>) -> Predicate {
    let below = alternatives
        .iter()
        .filter(|found| found.path.leaf == Leaf::Reference)
        .map(|found| {
            let identifier = Step {
                member: "identifier".to_owned(),
                many: false,
                filter: None,
            };
            let steps = found.path.steps.iter().cloned().chain([identifier]);
            Alternative {
                path: Path {
                    steps: steps.collect(),
                    leaf: Leaf::Identifier,
                },
                datatype: "Identifier",
                targets: Vec::new(),
                only_targets: false,
            }
        });
    tokens(&below.collect::<Vec<_>>(), values)
}

/// Some element at any of the paths satisfies `op`.
pub fn elements(alternatives: &[Alternative], op: TestOp) -> Predicate {
    let paths = alternatives.iter().map(|found| found.path.clone());
    test(paths.collect(), op)
}

/// Some text beside a code satisfies `op`.
pub fn texts(alternatives: &[Alternative], op: TestOp) -> Predicate {
    let paths = alternatives
        .iter()
        .map(|found| &found.path)
        .filter(|path| path.leaf.has_text());
    test(paths.cloned().collect(), op)
}

/// Some reference is to one of the targets.
pub fn references(alternatives: &[Alternative], targets: &[Target]) -> Predicate {
    let (references, texts): (Vec<Alternative>, Vec<Alternative>) = alternatives
        .iter()
        .cloned()
        .partition(|found| matches!(found.path.leaf, Leaf::Reference | Leaf::Resource));
    let (filtered, open): (Vec<Alternative>, Vec<Alternative>) =
        references.into_iter().partition(|found| found.only_targets);
    let mut parts = Vec::new();
    let text_paths = texts.into_iter().map(|found| found.path).collect();
    let as_texts = targets.iter().map(Target::to_string).collect();
    parts.push(test(text_paths, TestOp::Equals(as_texts)));
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
        let of_type = |target: &String| {
            relative(last_two(target)).is_some_and(|(kind, _)| types.contains(&kind))
        };
        let (meant, others): (Vec<String>, Vec<String>) = named.iter().cloned().partition(of_type);
        parts.push(named_match(paths.clone(), meant));
        // Never true, but not always false either: what is wrongly typed is unknown.
        let op = TestOp::Reference {
            targets: others,
            ids: Vec::new(),
            types: types.iter().map(|name| (*name).to_owned()).collect(),
        };
        parts.push(test(paths.clone(), op));
        parts.push(id_match(paths, ids.clone(), types));
    }
    Predicate::any(parts)
}

/// References given in full.
fn named_match(paths: Vec<Path>, targets: Vec<String>) -> Predicate {
    let op = TestOp::Reference {
        targets,
        ids: Vec::new(),
        types: Vec::new(),
    };
    test(paths, op)
}

/// References given by id, to any of the types.
fn id_match(paths: Vec<Path>, ids: Vec<String>, types: &[&str]) -> Predicate {
    let op = TestOp::Reference {
        targets: Vec::new(),
        ids,
        types: types.iter().map(|name| (*name).to_owned()).collect(),
    };
    test(paths, op)
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

/// All parts hold, for the same element at `context`. Parts that look from the root, or at an element that is the root, stand
/// for themselves.
pub fn composite(context: &[Step], parts: Vec<(bool, Predicate)>) -> Predicate {
    let mut conditions = Vec::new();
    let mut of_element = Vec::new();
    for (from_root, part) in parts {
        if from_root || context.is_empty() {
            conditions.push(part);
        } else {
            of_element.push(part);
        }
    }
    let choices = of_element.into_iter().map(|part| match part {
        Predicate::Or(parts) => parts,
        other => vec![other],
    });
    // Each part may hold in one of several ways: their combinations.
    let mut combinations: Vec<Vec<Elements>> = vec![Vec::new()];
    for choice in choices {
        let mut longer = Vec::new();
        for one in choice {
            if let Predicate::Test(Test::Elements(elements)) = one {
                longer.extend(combinations.iter().map(|found| {
                    let mut found = found.clone();
                    found.push(elements.clone());
                    found
                }));
            }
        }
        combinations = longer;
    }
    let tests = combinations
        .into_iter()
        .filter(|parts| !parts.is_empty())
        .map(|parts| {
            Predicate::Test(Test::Composite {
                context: context.to_vec(),
                parts,
            })
        });
    if conditions.is_empty() || !context.is_empty() {
        conditions.push(Predicate::any(tests));
    }
    Predicate::all(conditions)
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

/// The test; never true when there is nothing to look at or to look for.
fn test(paths: Vec<Path>, op: TestOp) -> Predicate {
    if paths.is_empty() || op.is_empty() {
        return Predicate::Constant(false);
    }
    Predicate::Test(Test::new(paths, op))
}
