//! The set of paths as a trie.

use std::cmp::Ordering;

use super::choice::{ends_choice, is_data_type};
use super::path::Step;
use super::rule::{Found, Rule};

/// What the paths of a set say below one element.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Trie {
    /// Sorted by [`key_order`].
    names: Vec<(Box<str>, Below)>,
    /// The names before `[x]`, sorted likewise.
    choices: Vec<(Box<str>, Below)>,
    /// `extension` and `modifierExtension`, with what each URL leads to; both sorted likewise.
    extensions: Vec<(Box<str>, Urls)>,
}

/// What extensions lead to, by URL.
pub(super) type Urls = Vec<(Box<str>, Below)>;

/// What a step leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Below {
    /// A path ends here: the field itself.
    Field,
    /// Only paths that go on.
    Inside(Trie),
}

impl Below {
    /// Adds what another step leads to.
    fn merge(&mut self, other: &Below) {
        match (&mut *self, other) {
            (Below::Field, _) => {}
            (_, Below::Field) => *self = Below::Field,
            (Below::Inside(ours), Below::Inside(theirs)) => ours.merge(theirs),
        }
    }
}

impl Trie {
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.choices.is_empty() && self.extensions.is_empty()
    }

    /// Adds to `found` what the set says about the member `key`.
    pub(super) fn look_up<'t>(&'t self, key: &[u8], found: &mut Found<'t>) {
        self.look_up_name(key, found);
        if let [b'_', element @ ..] = key {
            self.look_up_name(element, found);
        }
        for (element, urls) in &self.extensions {
            if element.as_bytes() == key {
                found.inside(Rule::Urls(urls));
            }
        }
    }

    /// Adds to `found` what each step that names `name` leads to.
    fn look_up_name<'t>(&'t self, name: &[u8], found: &mut Found<'t>) {
        if let Some(below) = find(&self.names, name) {
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
    fn entry(&mut self, step: Step<'_>) -> &mut Below {
        let nothing = || Below::Inside(Trie::default());
        match step {
            Step::Name(name) => entry(&mut self.names, name, nothing),
            Step::Choice(name) => entry(&mut self.choices, name, nothing),
            Step::Extension { element, url } => {
                let urls = entry(&mut self.extensions, element, Vec::new);
                entry(urls, url, nothing)
            }
        }
    }

    /// Adds the paths of another trie.
    pub(super) fn merge(&mut self, other: &Trie) {
        merge(&mut self.names, &other.names, Below::merge);
        merge(&mut self.choices, &other.choices, Below::merge);
        merge(&mut self.extensions, &other.extensions, |ours, theirs| {
            merge(ours, theirs, Below::merge);
        });
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
        let extensions = self.extensions.iter().flat_map(|(element, urls)| {
            urls.iter()
                .map(move |(url, below)| (Step::Extension { element, url }, below))
        });
        names.chain(choices).chain(extensions)
    }

    /// Appends the text of each path, behind `prefix`.
    pub(super) fn collect_paths(&self, prefix: &str, out: &mut Vec<String>) {
        for (step, below) in self.steps() {
            let path = match step {
                Step::Name(name) => format!("{prefix}{name}"),
                Step::Choice(name) => format!("{prefix}{name}[x]"),
                Step::Extension { element, url } => format!("{prefix}{element}('{url}')"),
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

/// What stands under `key` in a list that is sorted by [`key_order`].
pub(super) fn find<'t, T>(list: &'t [(Box<str>, T)], key: &[u8]) -> Option<&'t T> {
    /// So many are compared one by one, nearly always by their length alone.
    const FEW: usize = 8;
    if list.len() <= FEW {
        let mut list = list.iter();
        let found = list.find(|(other, _)| other.as_bytes() == key);
        return found.map(|(_, found)| found);
    }
    let at = list.binary_search_by(|(other, _)| key_order(other.as_bytes(), key));
    at.ok().and_then(|at| list.get(at)).map(|(_, found)| found)
}

/// The same, made where it was not there.
#[expect(
    clippy::indexing_slicing,
    reason = "the index was just found or inserted at"
)]
pub(super) fn entry<'t, T>(
    list: &'t mut Vec<(Box<str>, T)>,
    key: &str,
    make: impl FnOnce() -> T,
) -> &'t mut T {
    let at = match list.binary_search_by(|(other, _)| key_order(other.as_bytes(), key.as_bytes())) {
        Ok(at) => at,
        Err(at) => {
            list.insert(at, (key.into(), make()));
            at
        }
    };
    &mut list[at].1
}

/// Adds to one list what is in another one; both are sorted by [`key_order`]. Each is gone through once.
fn merge<T: Clone>(
    ours: &mut Vec<(Box<str>, T)>,
    theirs: &[(Box<str>, T)],
    add: impl Fn(&mut T, &T),
) {
    if theirs.is_empty() {
        return;
    }
    let mut merged = Vec::with_capacity(ours.len().saturating_add(theirs.len()));
    let mut theirs = theirs.iter().peekable();
    for (key, mut own) in ours.drain(..) {
        let order = |other: &str| key_order(other.as_bytes(), key.as_bytes());
        while let Some(before) = theirs.next_if(|(other, _)| order(other).is_lt()) {
            merged.push(before.clone());
        }
        if let Some((_, same)) = theirs.next_if(|(other, _)| order(other).is_eq()) {
            add(&mut own, same);
        }
        merged.push((key, own));
    }
    merged.extend(theirs.cloned());
    *ours = merged;
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
        (Step::Name(wide), Step::Extension { element, .. }) => wide == element,
        (Step::Extension { .. }, Step::Extension { .. }) => wide == narrow,
        (Step::Name(_), Step::Choice(_))
        | (Step::Choice(_), Step::Extension { .. })
        | (Step::Extension { .. }, Step::Name(_) | Step::Choice(_)) => false,
    }
}

fn names(wide: &str, narrow: &str) -> bool {
    narrow == wide || narrow.strip_prefix('_') == Some(wide)
}

fn key_order(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}
