//! Many conditions that differ in their values only, as one: a caregiver's thousand patients are one lookup.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::Predicate;
use crate::test::{Elements, Test, TestOp, TokenSystem};

/// Conjunctions of more conditions than these are compared with the first few of their shape only.
const MOST_PLACES: usize = 8;

/// The alternatives, those that can be one merged; in order of their first appearance.
pub fn merged(parts: Vec<Predicate>) -> Vec<Predicate> {
    if parts.len() < 2 {
        return parts;
    }
    let mut groups: Vec<Group> = Vec::with_capacity(parts.len());
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    let mut rests: HashMap<String, usize> = HashMap::new();
    for part in parts {
        let of_rests = rests_of(&part);
        let fit = |place: &usize| {
            let fit = groups.get(*place)?.fit(&part)?;
            Some((*place, fit))
        };
        let found = match &of_rests {
            Some(keys) => keys.iter().filter_map(|key| rests.get(key)).find_map(fit),
            None => {
                let mut shape = String::new();
                write_shape(&part, &mut shape);
                let same_shape = places.entry(shape).or_default();
                // Nearly always the first one takes it. A shape whose members never fit would cost their square.
                let found = same_shape.iter().take(8).find_map(fit);
                if found.is_none() {
                    same_shape.push(groups.len());
                }
                found
            }
        };
        match found {
            Some((_, Fit::Known)) => {}
            Some((place, Fit::Differs(differs))) => {
                if let Some(group) = groups.get_mut(place) {
                    group.differs = differs;
                    group.members.push(part);
                }
            }
            None => {
                let of_rests = of_rests.unwrap_or_default();
                rests.extend(of_rests.into_iter().map(|key| (key, groups.len())));
                groups.push(Group::new(part));
            }
        }
    }
    groups.into_iter().map(Group::finish).collect()
}

/// Of a conjunction, for each of its conditions: what the others are, and what this one looks like. Conjunctions that can be
/// merged have one of these in common.
fn rests_of(predicate: &Predicate) -> Option<Vec<String>> {
    let Predicate::And(parts) = predicate else {
        return None;
    };
    if parts.len() > MOST_PLACES {
        return None;
    }
    let texts: Vec<String> = parts.iter().map(ToString::to_string).collect();
    let rest = |place: usize, part: &Predicate| {
        let mut key = place.to_string();
        write_shape(part, &mut key);
        for (_, text) in texts.iter().enumerate().filter(|(at, _)| *at != place) {
            key.push('&');
            key.push_str(text);
        }
        key
    };
    let keys = parts.iter().enumerate();
    Some(keys.map(|(place, part)| rest(place, part)).collect())
}

/// Alternatives of one shape. Conjunctions in it differ in the same conjunct.
struct Group {
    members: Vec<Predicate>,
    /// The conjunct in which the members differ, once there are two.
    differs: Option<usize>,
}

/// How an alternative goes into a group.
enum Fit {
    /// It says nothing new.
    Known,
    /// It is one more; of conjunctions, with the conjunct in which they differ.
    Differs(Option<usize>),
}

impl Group {
    fn new(first: Predicate) -> Self {
        Group {
            members: vec![first],
            differs: None,
        }
    }

    fn fit(&self, other: &Predicate) -> Option<Fit> {
        let first = self.members.first()?;
        if first == other {
            return Some(Fit::Known);
        }
        match (first, other) {
            (Predicate::And(one), Predicate::And(other)) => {
                let mut places =
                    (0..one.len()).filter(|place| one.get(*place) != other.get(*place));
                let (place, None) = (places.next()?, places.next()) else {
                    return None;
                };
                (self.differs.is_none_or(|differs| differs == place))
                    .then_some(Fit::Differs(Some(place)))
            }
            (Predicate::Not(_) | Predicate::Or(_), _) => None,
            (Predicate::Test(Test::Composite { .. }), _) => None,
            _ => Some(Fit::Differs(None)),
        }
    }

    fn finish(self) -> Predicate {
        let differs = self.differs;
        let mut members = self.members.into_iter();
        let Some(mut first) = members.next() else {
            return Predicate::Constant(false);
        };
        match &mut first {
            Predicate::Id(values) | Predicate::ResourceType(values) => {
                for member in members {
                    if let Predicate::Id(more) | Predicate::ResourceType(more) = member {
                        values.extend(more);
                    }
                }
                values.sort_unstable();
                values.dedup();
            }
            Predicate::Test(Test::Elements(elements)) => {
                for member in members {
                    if let Predicate::Test(Test::Elements(more)) = member {
                        elements.op.absorb(more.op);
                    }
                }
                *elements = Elements::new(std::mem::take(&mut elements.paths), elements.op.clone());
            }
            Predicate::And(parts) => {
                if let Some(place) = differs {
                    let others = members.filter_map(|member| match member {
                        Predicate::And(mut parts) if place < parts.len() => {
                            Some(parts.swap_remove(place))
                        }
                        _ => None,
                    });
                    if let Some(part) = parts.get_mut(place) {
                        let one = std::mem::replace(part, Predicate::Constant(false));
                        *part = Predicate::any(std::iter::once(one).chain(others));
                    }
                }
            }
            Predicate::Test(Test::Composite { .. })
            | Predicate::Constant(_)
            | Predicate::TypeAgrees
            | Predicate::SecurityContext
            | Predicate::Or(_)
            | Predicate::Not(_) => {}
        }
        first
    }
}

impl TestOp {
    /// Takes the values of another test of the same kind.
    fn absorb(&mut self, other: TestOp) {
        match (self, other) {
            (TestOp::Token(values), TestOp::Token(more)) => values.extend(more),
            (
                TestOp::Reference { targets, ids, .. },
                TestOp::Reference {
                    targets: more_targets,
                    ids: more_ids,
                    ..
                },
            ) => {
                targets.extend(more_targets);
                ids.extend(more_ids);
            }
            (TestOp::StartsWith(values), TestOp::StartsWith(more))
            | (TestOp::Contains(values), TestOp::Contains(more))
            | (TestOp::Equals(values), TestOp::Equals(more))
            | (TestOp::Below(values), TestOp::Below(more)) => values.extend(more),
            (TestOp::Date(values), TestOp::Date(more)) => values.extend(more),
            (TestOp::Number(values), TestOp::Number(more)) => values.extend(more),
            (TestOp::Quantity(values), TestOp::Quantity(more)) => values.extend(more),
            _ => {}
        }
    }
}

/// What a predicate looks like without its values: only those that look the same can be merged. What can only be merged with
/// itself is written in full.
fn write_shape(predicate: &Predicate, out: &mut String) {
    // Writing to a String does not fail.
    let _ = match predicate {
        Predicate::Id(_) => write!(out, "id"),
        Predicate::ResourceType(_) => write!(out, "type"),
        // A column may hold the project besides: of two in one list, the column could say one and the document the other.
        Predicate::Test(test) if test.of_project().is_some() => write!(out, "{test}"),
        Predicate::Test(Test::Elements(elements)) => {
            for path in &elements.paths {
                let _ = write!(out, "{path},");
            }
            match &elements.op {
                // Values that no index can answer stay apart from those that one can.
                TestOp::Token(tokens) => {
                    let no_system = tokens.iter().any(|token| token.system == TokenSystem::None);
                    write!(out, "token {no_system}")
                }
                TestOp::Reference { ids, types, .. } => {
                    write!(out, "reference {} {types:?}", ids.is_empty())
                }
                TestOp::StartsWith(_) => write!(out, "starts"),
                TestOp::Contains(_) => write!(out, "contains"),
                TestOp::Equals(_) => write!(out, "equals"),
                TestOp::Below(_) => write!(out, "below"),
                TestOp::Date(_) => write!(out, "date"),
                TestOp::Number(_) => write!(out, "number"),
                TestOp::Quantity(_) => write!(out, "quantity"),
                TestOp::Present { .. } | TestOp::Truth(_) => write!(out, "{elements}"),
            }
        }
        Predicate::And(parts) => {
            for part in parts {
                out.push('&');
                write_shape(part, out);
            }
            Ok(())
        }
        Predicate::Or(parts) => {
            out.push('(');
            for part in parts {
                out.push('|');
                write_shape(part, out);
            }
            out.push(')');
            Ok(())
        }
        Predicate::Test(Test::Composite { .. })
        | Predicate::Constant(_)
        | Predicate::TypeAgrees
        | Predicate::SecurityContext
        | Predicate::Not(_) => {
            write!(out, "{predicate}")
        }
    };
}
