//! The set of paths as a trie, and looking a member's key up in it.

use std::cmp::Ordering;

use super::choice::{ends_choice, is_data_type};
use super::path::Step;

/// What the paths of a set say below one element.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Trie {
    /// Sorted by [`key_order`].
    names: Vec<(Box<str>, Below)>,
    /// The names before `[x]`, sorted likewise.
    choices: Vec<(Box<str>, Below)>,
}

/// What a step leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Below {
    /// A path ends here: the field itself.
    Field,
    /// Only paths that go on.
    Inside(Trie),
}

/// What the set says about one member.
pub(super) enum Found<'t> {
    /// No path goes through it.
    Nothing,
    /// It is a field of the set.
    Field,
    /// Fields of the set may be inside it.
    Inside(Tries<'t>),
}

/// The tries that apply inside one member: nearly always one, several when a name is also a choice's.
pub(super) enum Tries<'t> {
    One([&'t Trie; 1]),
    Many(Vec<&'t Trie>),
}

impl<'t> Tries<'t> {
    pub(super) fn as_slice(&self) -> &[&'t Trie] {
        match self {
            Tries::One(one) => one,
            Tries::Many(many) => many,
        }
    }
}

/// What `tries`, which apply to one object, say about its member `key`.
pub(super) fn look_up<'t>(tries: &[&'t Trie], key: &[u8]) -> Found<'t> {
    let mut found = Found::Nothing;
    for trie in tries {
        trie.look_up_name(key, &mut found);
        if let [b'_', element @ ..] = key {
            trie.look_up_name(element, &mut found);
        }
    }
    found
}

impl<'t> Found<'t> {
    /// Adds what one more step says.
    fn add(&mut self, below: &'t Below) {
        match (&mut *self, below) {
            (Found::Field, _) => {}
            (_, Below::Field) => *self = Found::Field,
            (Found::Nothing, Below::Inside(inside)) => {
                *self = Found::Inside(Tries::One([inside]));
            }
            (Found::Inside(Tries::One([one])), Below::Inside(inside)) => {
                *self = Found::Inside(Tries::Many(vec![*one, inside]));
            }
            (Found::Inside(Tries::Many(many)), Below::Inside(inside)) => many.push(inside),
        }
    }
}

impl Trie {
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.choices.is_empty()
    }

    /// Adds to `found` what each step that names `name` leads to.
    fn look_up_name<'t>(&'t self, name: &[u8], found: &mut Found<'t>) {
        let at = self
            .names
            .binary_search_by(|(other, _)| key_order(other.as_bytes(), name));
        if let Some((_, below)) = at.ok().and_then(|at| self.names.get(at)) {
            found.add(below);
        }
        for (base, below) in &self.choices {
            if name.strip_prefix(base.as_bytes()).is_some_and(ends_choice) {
                found.add(below);
            }
        }
    }

    /// Adds a path. A path below a field that is there changes nothing.
    pub(super) fn insert(&mut self, steps: &[Step<'_>]) {
        let Some((first, rest)) = steps.split_first() else {
            return;
        };
        let below = self.entry(*first);
        match below {
            Below::Field => {}
            Below::Inside(_) if rest.is_empty() => *below = Below::Field,
            Below::Inside(inside) => inside.insert(rest),
        }
    }

    /// What the step leads to, made empty where it was not there.
    #[expect(
        clippy::indexing_slicing,
        reason = "the index was just found or inserted at"
    )]
    fn entry(&mut self, step: Step<'_>) -> &mut Below {
        let (list, name) = match step {
            Step::Name(name) => (&mut self.names, name),
            Step::Choice(name) => (&mut self.choices, name),
        };
        let at = match list
            .binary_search_by(|(other, _)| key_order(other.as_bytes(), name.as_bytes()))
        {
            Ok(at) => at,
            Err(at) => {
                list.insert(at, (name.into(), Below::Inside(Trie::default())));
                at
            }
        };
        &mut list[at].1
    }

    /// Adds the paths of another trie.
    pub(super) fn merge(&mut self, other: &Trie) {
        for (step, theirs) in other.steps() {
            let ours = self.entry(step);
            match (&mut *ours, theirs) {
                (Below::Field, _) => {}
                (_, Below::Field) => *ours = Below::Field,
                (Below::Inside(ours), Below::Inside(theirs)) => ours.merge(theirs),
            }
        }
    }

    fn steps(&self) -> impl Iterator<Item = (Step<'_>, &Below)> {
        let names = self
            .names
            .iter()
            .map(|(name, below)| (Step::Name(name), below));
        let choices = self
            .choices
            .iter()
            .map(|(name, below)| (Step::Choice(name), below));
        names.chain(choices)
    }

    /// Appends the text of each path, behind `prefix`.
    pub(super) fn collect_paths(&self, prefix: &str, out: &mut Vec<String>) {
        for (step, below) in self.steps() {
            let path = match step {
                Step::Name(name) => format!("{prefix}{name}"),
                Step::Choice(name) => format!("{prefix}{name}[x]"),
            };
            match below {
                Below::Field => out.push(path),
                Below::Inside(inside) => inside.collect_paths(&format!("{path}."), out),
            }
        }
    }

    /// Whether a path of the set is `steps` or leads to something above it.
    pub(super) fn covers(&self, steps: &[Step<'_>]) -> bool {
        let Some((first, rest)) = steps.split_first() else {
            return false;
        };
        self.steps().any(|(step, below)| {
            includes(step, *first)
                && match below {
                    Below::Field => true,
                    Below::Inside(inside) => inside.covers(rest),
                }
        })
    }

    /// Whether a path of the set and `steps` may meet: one is the other's beginning.
    pub(super) fn touches(&self, steps: &[Step<'_>]) -> bool {
        let Some((first, rest)) = steps.split_first() else {
            return !self.is_empty();
        };
        self.steps().any(|(step, below)| {
            (includes(step, *first) || includes(*first, step))
                && match below {
                    Below::Field => true,
                    Below::Inside(inside) => inside.touches(rest),
                }
        })
    }
}

/// Whether everything that `narrow` names is named by `wide`.
fn includes(wide: Step<'_>, narrow: Step<'_>) -> bool {
    match (wide, narrow) {
        (Step::Name(wide), Step::Name(narrow)) => names(wide, narrow),
        (Step::Choice(base), Step::Name(name)) => {
            let is_choice = |name: &str| name.strip_prefix(base).is_some_and(is_data_type);
            is_choice(name) || name.strip_prefix('_').is_some_and(is_choice)
        }
        (Step::Choice(wide), Step::Choice(narrow)) => names(wide, narrow),
        (Step::Name(_), Step::Choice(_)) => false,
    }
}

fn names(wide: &str, narrow: &str) -> bool {
    narrow == wide || narrow.strip_prefix('_') == Some(wide)
}

fn key_order(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}
