//! Choices: `effectiveDateTime` and `effectivePeriod` are two members for one element, of which FHIR allows only one.

use jsonb::Value;

use crate::path::{Leaf, Path, Step};
use crate::test::{any, each};

/// Paths to the elements of a range, by the choices that they are members of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices(Vec<Choice>);

/// The members of one choice, or one member that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Choice {
    /// The way to the element that has the members.
    way: Vec<Step>,
    /// Its members with what they hold, at least one.
    members: Vec<(Step, Leaf)>,
}

impl From<&[Path]> for Choices {
    fn from(paths: &[Path]) -> Self {
        let mut choices: Vec<Choice> = Vec::new();
        for path in paths {
            let Some((last, way)) = path.steps.split_last() else {
                continue;
            };
            let base = base(last, path.leaf);
            let same = choices.iter_mut().find(|choice| {
                let first = choice.members.first();
                base.is_some()
                    && choice.way == way
                    && first.is_some_and(|(step, leaf)| self::base(step, *leaf) == base)
            });
            let member = (last.clone(), path.leaf);
            match same {
                Some(choice) => choice.members.push(member),
                None => choices.push(Choice {
                    way: way.to_vec(),
                    members: vec![member],
                }),
            }
        }
        Choices(choices)
    }
}

/// The name of the choice that a member belongs to: `effective` of `effectiveDateTime:dateTime`. `None` where the name says
/// that it is no choice.
fn base(member: &Step, leaf: Leaf) -> Option<&str> {
    if member.many || member.filter.is_some() {
        return None;
    }
    let name = leaf.to_string();
    let mut letters = name.chars();
    let first = letters.next()?.to_ascii_uppercase();
    // The leaf of a number does not say which one.
    let base = match leaf {
        Leaf::Number => ["Decimal", "Integer"]
            .iter()
            .find_map(|name| member.member.strip_suffix(name)),
        _ => member
            .member
            .strip_suffix(letters.as_str())
            .and_then(|rest| rest.strip_suffix(first)),
    };
    base.filter(|base| !base.is_empty())
}

impl Choices {
    /// At most one element is there.
    pub fn are_single(&self) -> bool {
        match self.0.as_slice() {
            [choice] => {
                let members = choice.members.iter().map(|(step, _)| step);
                choice.way.iter().chain(members).all(|step| !step.many)
            }
            _ => false,
        }
    }

    /// Calls `visit` for each element with what it is, until it says true. A choice with several members is unknown.
    pub fn each<'a>(
        &self,
        from: Value<'a>,
        visit: &mut impl FnMut(Leaf, Value<'a>) -> Option<bool>,
    ) -> Option<bool> {
        any(self.0.iter(), |choice| {
            each(from, &choice.way, &mut |element| {
                if let [(step, leaf)] = choice.members.as_slice() {
                    let step = std::slice::from_ref(step);
                    return each(element, step, &mut |value| visit(*leaf, value));
                }
                match choice.only(element)? {
                    Some((leaf, value)) => visit(leaf, value),
                    None => Some(false),
                }
            })
        })
    }
}

impl Choice {
    /// The only member that is there: `Some(None)` where none is, `None` where there are several, or where that cannot be known.
    fn only<'a>(&self, element: Value<'a>) -> Option<Option<(Leaf, Value<'a>)>> {
        let mut only = None;
        for (step, leaf) in &self.members {
            let mut found = None;
            each(element, std::slice::from_ref(step), &mut |value| {
                found = Some(value);
                Some(false)
            })?;
            if let Some(value) = found {
                if only.is_some() {
                    return None;
                }
                only = Some((*leaf, value));
            }
        }
        Some(only)
    }
}
