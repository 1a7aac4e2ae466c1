//! Equality and equivalence of items and collections (N1 §6.1), and sets of distinct items.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use jsonb::{Number, Value};
use smallvec::SmallVec;

use super::{Fault, Items, Work};
use crate::item::{Element, Item};
use crate::navigate::reading_member;
use crate::value::{self, Decimal, Scalar, Text};

/// Documents nested deeper than this are not compared.
const DEPTH: usize = 128;

/// `left = right`: unknown where one is empty, or where precision does not tell.
pub(super) fn equal_collections(
    left: &[Item<'_>],
    right: &[Item<'_>],
    work: &Work<'_>,
) -> Result<Option<bool>, Fault> {
    if left.is_empty() || right.is_empty() {
        return Ok(None);
    }
    if left.len() != right.len() {
        return Ok(Some(false));
    }
    let mut answer = Some(true);
    for (left, right) in left.iter().zip(right) {
        match equal(left, right, work)? {
            Some(true) => {}
            Some(false) => return Ok(Some(false)),
            None => answer = None,
        }
    }
    Ok(answer)
}

/// `left ~ right`: in any order; two empty collections are equivalent.
pub(super) fn equivalent_collections<'a>(
    left: &[Item<'a>],
    right: &[Item<'a>],
    work: &Work<'_>,
) -> Result<bool, Fault> {
    if left.len() != right.len() {
        return Ok(false);
    }
    pair_off(left, right, |left, right| equivalent(left, right, work))
}

/// Whether each of `left` has a partner of its own in `right`.
fn pair_off<T>(
    left: impl IntoIterator<Item = T>,
    right: impl IntoIterator<Item = T>,
    mut similar: impl FnMut(&T, &T) -> Result<bool, Fault>,
) -> Result<bool, Fault> {
    let mut rest: Vec<T> = right.into_iter().collect();
    for item in left {
        let mut partner = None;
        for (place, other) in rest.iter().enumerate() {
            if similar(&item, other)? {
                partner = Some(place);
                break;
            }
        }
        match partner {
            Some(place) => rest.swap_remove(place),
            None => return Ok(false),
        };
    }
    Ok(true)
}

/// Whether two items are equal; `None` where that cannot be told (`@2012 = @2012-01`).
pub(super) fn equal(
    left: &Item<'_>,
    right: &Item<'_>,
    work: &Work<'_>,
) -> Result<Option<bool>, Fault> {
    work.spend(1)?;
    match (left.scalar()?, right.scalar()?) {
        (Some(left), Some(right)) => value::equal(&left, &right, work),
        (None, None) => match (left, right) {
            (Item::Element(left), Item::Element(right)) => {
                alike_elements(Manner::Equal, left, right, work).map(Some)
            }
            _ => Ok(same_types(left, right)),
        },
        // Of a primitive that has extensions only nobody knows the value.
        _ if left.is_valueless() || right.is_valueless() => Ok(None),
        _ => Ok(Some(false)),
    }
}

/// Whether the item is equal to one of `all`; `None` where that cannot be told.
pub(super) fn is_among(
    item: &Item<'_>,
    all: &[Item<'_>],
    work: &Work<'_>,
) -> Result<Option<bool>, Fault> {
    let mut answer = Some(false);
    for other in all {
        match equal(item, other, work)? {
            Some(true) => return Ok(Some(true)),
            Some(false) => {}
            None => answer = None,
        }
    }
    Ok(answer)
}

fn equivalent(left: &Item<'_>, right: &Item<'_>, work: &Work<'_>) -> Result<bool, Fault> {
    work.spend(1)?;
    match (left.scalar()?, right.scalar()?) {
        (Some(left), Some(right)) => value::equivalent(&left, &right, work),
        (None, None) => match (left, right) {
            (Item::Element(left), Item::Element(right)) => {
                alike_elements(Manner::Equivalent, left, right, work)
            }
            _ => Ok(same_types(left, right) == Some(true)),
        },
        _ => Ok(false),
    }
}

fn same_types(left: &Item<'_>, right: &Item<'_>) -> Option<bool> {
    match (left, right) {
        (Item::Stub(left), Item::Stub(right)) => left.equal(right),
        (Item::Type(left), Item::Type(right)) => Some(left == right),
        _ => Some(false),
    }
}

/// How two pieces of JSON are compared.
#[derive(Clone, Copy)]
enum Manner {
    /// `=`: numbers by value, arrays in order.
    Equal,
    /// `~`: strings by words, numbers to the lesser precision, arrays in any order.
    Equivalent,
}

/// Elements without a value of their own: all that is in them.
fn alike_elements(
    manner: Manner,
    left: &Element<'_>,
    right: &Element<'_>,
    work: &Work<'_>,
) -> Result<bool, Fault> {
    let (left_value, right_value) = (
        left.value.unwrap_or(Value::Null),
        right.value.unwrap_or(Value::Null),
    );
    Ok(alike(manner, left_value, right_value, DEPTH, work)?
        && alike(manner, sibling(left), sibling(right), DEPTH, work)?)
}

fn sibling<'a>(element: &Element<'a>) -> Value<'a> {
    element.sibling.map_or(Value::Null, Value::Object)
}

fn deeper(depth: usize) -> Result<usize, Fault> {
    depth
        .checked_sub(1)
        .ok_or(Fault::Other("the elements nest too deeply to be compared"))
}

fn alike(
    manner: Manner,
    left: Value<'_>,
    right: Value<'_>,
    depth: usize,
    work: &Work<'_>,
) -> Result<bool, Fault> {
    work.spend(1)?;
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => match manner {
            Manner::Equal => Ok(left.compare(&right).is_eq()),
            Manner::Equivalent => equivalent_numbers(left, right, work),
        },
        (Value::String(left), Value::String(right)) => match manner {
            Manner::Equal => {
                work.spend_text(left.len().max(right.len()))?;
                Ok(left == right)
            }
            Manner::Equivalent => {
                let string = |text| Scalar::String(Text::Borrowed(text));
                value::equivalent(&string(left), &string(right), work)
            }
        },
        (Value::Array(left), Value::Array(right)) => {
            let depth = deeper(depth)?;
            if left.len() != right.len() {
                return Ok(false);
            }
            let items =
                |left: &Value<'_>, right: &Value<'_>| alike(manner, *left, *right, depth, work);
            match manner {
                Manner::Equal => all_pairs(left.iter().zip(right.iter()), |(left, right)| {
                    items(&left, &right)
                }),
                Manner::Equivalent => pair_off(left.iter(), right.iter(), items),
            }
        }
        (Value::Object(left), Value::Object(right)) => {
            let depth = deeper(depth)?;
            if left.len() != right.len() {
                return Ok(false);
            }
            // The keys of both are in the same order.
            all_pairs(left.iter().zip(right.iter()), |(left, right)| {
                let ((left_key, left), (right_key, right)) = (left, right);
                work.spend(reading_member(left_key, left) + reading_member(right_key, right))?;
                Ok(left_key == right_key && alike(manner, left, right, depth, work)?)
            })
        }
        (left, right) => Ok(left == right),
    }
}

/// Whether all hold; the first that does not ends it.
fn all_pairs<T>(
    pairs: impl Iterator<Item = T>,
    mut holds: impl FnMut(T) -> Result<bool, Fault>,
) -> Result<bool, Fault> {
    for pair in pairs {
        if !holds(pair)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equivalent_numbers(left: Number<'_>, right: Number<'_>, work: &Work<'_>) -> Result<bool, Fault> {
    let decimal = |number: Number<'_>| Decimal::parse(&number.to_decimal()).map(Scalar::Decimal);
    match (decimal(left), decimal(right)) {
        (Some(left), Some(right)) => value::equivalent(&left, &right, work),
        _ => Err(Fault::WrongJson("a number")),
    }
}

/// Items none of which is equal to another, in the order in which they came. Items whose equality cannot be told are
/// different.
pub(super) struct Distinct<'w, 'c, 'a> {
    items: Items<'a>,
    /// Where items with the same hash stand.
    places: HashMap<u64, SmallVec<[usize; 1]>>,
    work: &'w Work<'c>,
}

impl<'w, 'c, 'a> Distinct<'w, 'c, 'a> {
    pub(super) fn new(work: &'w Work<'c>) -> Self {
        Self {
            items: Items::new(),
            places: HashMap::new(),
            work,
        }
    }

    /// The items that are not equal to one before them.
    pub(super) fn of<'i>(
        items: impl IntoIterator<Item = &'i Item<'a>>,
        work: &'w Work<'c>,
    ) -> Result<Self, Fault>
    where
        'a: 'i,
    {
        let mut distinct = Self::new(work);
        for item in items {
            distinct.add(item)?;
        }
        Ok(distinct)
    }

    /// Adds the item unless it is there; whether it was added.
    pub(super) fn add(&mut self, item: &Item<'a>) -> Result<bool, Fault> {
        let hash = hash(item, self.work)?;
        if self.find(hash, item)? {
            return Ok(false);
        }
        self.places.entry(hash).or_default().push(self.items.len());
        self.items.push(item.clone());
        Ok(true)
    }

    pub(super) fn holds(&self, item: &Item<'a>) -> Result<bool, Fault> {
        self.find(hash(item, self.work)?, item)
    }

    pub(super) fn items(&self) -> &[Item<'a>] {
        &self.items
    }

    pub(super) fn into_items(self) -> Items<'a> {
        self.items
    }

    fn find(&self, hash: u64, item: &Item<'a>) -> Result<bool, Fault> {
        self.work.spend(1)?;
        let places = self.places.get(&hash).map_or(&[][..], |places| places);
        for place in places {
            let known = self.items.get(*place);
            if let Some(known) = known
                && equal(known, item, self.work)? == Some(true)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The same for items that are equal.
fn hash(item: &Item<'_>, work: &Work<'_>) -> Result<u64, Fault> {
    if let Some(scalar) = item.scalar()? {
        work.spend(scalar.cost())?;
        return Ok(scalar.bucket());
    }
    let mut hasher = DefaultHasher::new();
    if let Item::Element(element) = item
        && let Some(object) = element.object()
    {
        // Strings of the first level tell most elements apart.
        for (key, value) in object.iter().take(16) {
            work.spend((key.len() / 64) as u64)?;
            key.hash(&mut hasher);
            if let Value::String(text) = value {
                work.spend_text(text.len())?;
                text.hash(&mut hasher);
            }
        }
    }
    Ok(hasher.finish())
}
