//! Which questions have the same answer on a document and on its [mask](FieldSet::mask): the document itself may be asked
//! those, so that indexes on it serve.
//!
//! What is proved is: for every document, of whatever shape. It rests on what a mask does:
//! * It takes members out of objects, and nothing out of arrays: an element keeps its index, and an array its length. Only
//!   extensions are taken out of their array, by their URL; of what is in such an array nothing is said here, and neither of
//!   resources inside the document, which have the fields of their own type.
//! * Only the label of documents that are marked comes to them, in `meta`.
//! * A container stays a container of its kind, however empty. A scalar that is not taken out stays as it is.
//! * What is below a member that no path of the set goes through stays as it is, byte for byte.
//! * A container more than [`MAX_DEPTH`] levels down, on the way to a field, becomes null. No question here looks so deep.
//!
//! What holds for a set holds for each part of it: a step finds no more in the part. So where entries hide different fields in
//! different rows, the union of them is asked.

use fhir_search::keys::Paths;
use fhir_search::{Filter, Step};
use jsonb::Value;

use super::nested::Place;
use super::path::Step as PathStep;
use super::rule::{Found, Rule, are_told_by_object, look_up};
use super::{FieldSet, MAX_DEPTH, sight_path};

/// The most steps from the document's root, and the most levels of what is asked there.
pub(super) const MOST_STEPS: usize = 32;

// A step of a JSON path may go through an array and to a member, and compare the elements of what it finds.
const _: () = assert!(3 * MOST_STEPS + 2 < MAX_DEPTH);

/// A set of fields, as one that asks about masked documents sees it.
#[derive(Debug, Clone)]
pub struct Sight(FieldSet);

/// A place in a document, by the steps to it.
#[derive(Debug, Clone)]
pub struct Spot<'t> {
    /// What applies to the value here, and to the elements of an array here; nothing where the value is as it is stored.
    rules: Vec<Rule<'t>>,
    steps: usize,
}

impl FieldSet {
    /// How documents without these fields look.
    pub fn sight(&self) -> Sight {
        let mut fields = self.clone();
        if fields.mark {
            fields.root.insert(&[PathStep::Name("meta")]);
        }
        Sight(fields)
    }
}

impl Sight {
    /// The document itself.
    pub fn root(&self) -> Spot<'_> {
        let mut rules = vec![Rule::Paths(&self.0.root)];
        if !self.0.nested.is_empty() {
            rules.push(Rule::Places(Place::Resource, &self.0.nested));
        }
        Spot { rules, steps: 0 }
    }
}

impl<'t> Spot<'t> {
    /// Is the value here the same, whole? If there is none on the one side, then neither on the other.
    pub fn is_same(&self) -> bool {
        self.rules.is_empty()
    }

    /// A value that is no part of the document, or is computed from what is the same.
    pub(super) fn computed() -> Self {
        Spot {
            rules: Vec::new(),
            steps: 0,
        }
    }

    /// `-> 'key'`: the member of an object, nothing of anything else. `None` where it may be hidden.
    pub fn member(&self, key: &str) -> Option<Self> {
        self.below(inside(&self.rules, key)?)
    }

    /// `-> 0`: an element of an array, from whichever end.
    pub fn element(&self) -> Option<Self> {
        self.below(self.rules.clone())
    }

    /// A step of `#>`: a member of an object, or an element of an array.
    pub fn step(&self, step: &str) -> Option<Self> {
        // What PostgreSQL could read as an index begins with white space, a sign or a digit; no element's name does.
        match step.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            true => self.member(step),
            false => self.element(),
        }
    }

    fn below(&self, rules: Vec<Rule<'t>>) -> Option<Self> {
        let steps = self.steps.checked_add(1)?;
        (steps <= MOST_STEPS).then_some(Spot { rules, steps })
    }

    /// `? 'key'`: a member of an object, or a string in an array, which no mask touches.
    pub fn has(&self, key: &str) -> bool {
        self.member(key).is_some()
    }

    /// `@> constant`. Each member that the constant names must be there: one that may be hidden may not be asked for. A scalar
    /// is compared with a scalar, an array's elements with any elements of the other array: none of them comes or goes. Of
    /// members that the constant does not name nothing is asked.
    pub fn contains(&self, constant: Value<'_>) -> bool {
        contains(&self.rules, constant, MOST_STEPS)
    }

    /// Where the items are that a JSON path finds, given as PostgreSQL writes paths; `None` where it asks for what may be
    /// hidden, or is not understood. Whether there are any, and what a predicate says, is the same then; the items are where
    /// [`is_same`](Self::is_same).
    pub fn items(&self, json_path: &str) -> Option<Self> {
        sight_path::items(self, json_path)
    }

    /// Do the keys of an index function, other than those of references, say the same? What is at the paths must be the same
    /// whole, and what chooses among elements must not be hidden.
    pub fn keys(&self, paths: &Paths) -> bool {
        let is_same = |steps: &[Step]| {
            let mut place = self.clone();
            for step in steps {
                place = place.member(&step.member)?;
                if let Some(Filter::Where { member, .. }) = &step.filter {
                    place.member(member)?;
                }
            }
            Some(place.is_same())
        };
        let mut paths = paths.paths().iter();
        paths.all(|path| is_same(&path.steps) == Some(true))
    }
}

/// What applies to a member; `None` where it may be hidden.
fn inside<'t>(rules: &[Rule<'t>], key: &str) -> Option<Vec<Rule<'t>>> {
    match look_up(rules, key.as_bytes()) {
        Found::Nothing => Some(Vec::new()),
        Found::Inside(inside) if !are_told_by_object(inside.as_slice()) => {
            Some(inside.as_slice().to_vec())
        }
        Found::Inside(_) | Found::Field => None,
    }
}

fn contains(rules: &[Rule<'_>], constant: Value<'_>, levels: usize) -> bool {
    if rules.is_empty() {
        return true;
    }
    let Some(levels) = levels.checked_sub(1) else {
        return false;
    };
    match constant {
        Value::Object(object) => object.try_iter().all(|member| {
            member.is_ok_and(|(key, value)| {
                inside(rules, key).is_some_and(|inside| contains(&inside, value, levels))
            })
        }),
        Value::Array(array) => array
            .try_iter()
            .all(|element| element.is_ok_and(|value| contains(rules, value, levels))),
        _ => true,
    }
}
