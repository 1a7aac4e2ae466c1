//! The keys of expression indexes: what a document has at some paths, in a form that an index can order or look up.
//!
//! They follow [`Test`](crate::Test) exactly: an element that a test cannot know anything of is left out of the keys, so that the
//! conditions over keys that [`Lookup`](crate::Lookup) gives hold wherever the test is true.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jsonb::{Decimal, Value};

use crate::choice::Choices;
use crate::fold;
use crate::path::{self, Leaf, Path};
use crate::range::{self, Interval, Stored, Units};
use crate::test::{
    Document, Found, Half, ParseTestError, Scanner, Token, TokenSystem, each, each_piece,
    each_token, write_paths,
};

/// A longer unit or target of a reference is no key: B-trees and GIN indexes take rows of some 2,700 bytes at most, and what
/// somebody stores must not make a write fail.
pub const MOST_KEY_BYTES: usize = 1_000;

/// An index keeps at least so many bytes of a text: two texts whose keys are shorter are equal when their keys are.
pub const CUT_KEY_BYTES: usize = MOST_KEY_BYTES - 3;

/// Paths as an index names them: `effectiveDateTime:dateTime, effectivePeriod:Period`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    paths: Vec<Path>,
    choices: Choices,
}

/// A number, or beyond all numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound<T> {
    /// Below all numbers.
    NegativeInfinity,
    /// A number.
    At(T),
    /// Above all numbers.
    Infinity,
}

impl From<Vec<Path>> for Paths {
    fn from(paths: Vec<Path>) -> Self {
        let choices = paths.as_slice().into();
        Self { paths, choices }
    }
}

impl fmt::Display for Paths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_paths(f, &self.paths)
    }
}

impl FromStr for Paths {
    type Err = ParseTestError;

    fn from_str(text: &str) -> Result<Self, ParseTestError> {
        let mut scanner = Scanner::new(text);
        let paths = path::scan_list(&mut scanner)?;
        scanner.end()?;
        Ok(paths.into())
    }
}

impl Paths {
    /// The paths.
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// At most one element is at the paths, so that the keys of a range belong to the same element.
    pub fn is_single(&self) -> bool {
        self.choices.are_single()
    }

    /// The elements of a range: of a choice with more than one member, none.
    fn each_of_range<'a>(&self, document: Value<'a>, visit: &mut impl FnMut(Leaf, Value<'a>)) {
        self.choices.each(document, &mut |leaf, value| {
            visit(leaf, value);
            Some(false)
        });
    }

    fn each<'a>(&self, document: Value<'a>, visit: &mut impl FnMut(Leaf, Value<'a>)) {
        for path in &self.paths {
            each(document, &path.steps, &mut |value| {
                visit(path.leaf, value);
                Some(false)
            });
        }
    }

    /// The start of the earliest stretch of time, in microseconds since 2000-01-01 UTC as `timestamptz` counts them; `i64::MIN`
    /// is its `-infinity`.
    pub fn earliest(&self, document: Value<'_>) -> Option<i64> {
        let mut least = None;
        self.each_of_range(document, &mut |leaf, value| {
            if let Some(Some(span)) = range::span(leaf, value) {
                least = Some(least.map_or(span.start, |least: i64| least.min(span.start)));
            }
        });
        least
    }

    /// The end (not included) of the latest stretch of time, likewise; `i64::MAX` is `infinity`.
    pub fn latest(&self, document: Value<'_>) -> Option<i64> {
        let mut greatest = None;
        self.each_of_range(document, &mut |leaf, value| {
            if let Some(Some(span)) = range::span(leaf, value) {
                greatest = Some(greatest.map_or(span.end, |greatest: i64| greatest.max(span.end)));
            }
        });
        greatest
    }

    /// The least number, whatever its unit.
    pub fn lowest(&self, document: Value<'_>) -> Option<Bound<Decimal>> {
        let mut least: Option<Bound<Decimal>> = None;
        self.each_interval(document, &mut |interval| {
            least = match (least.take(), interval.low()) {
                (Some(Bound::NegativeInfinity), _) | (_, None) => Some(Bound::NegativeInfinity),
                (Some(Bound::At(found)), Some(low)) if found.as_number().compare(&low).is_le() => {
                    Some(Bound::At(found))
                }
                (_, Some(low)) => Some(Bound::At(Decimal::of(low))),
            };
        });
        least
    }

    /// The greatest number, whatever its unit.
    pub fn highest(&self, document: Value<'_>) -> Option<Bound<Decimal>> {
        let mut greatest: Option<Bound<Decimal>> = None;
        self.each_interval(document, &mut |interval| {
            greatest = match (greatest.take(), interval.high()) {
                (Some(Bound::Infinity), _) | (_, None) => Some(Bound::Infinity),
                (Some(Bound::At(found)), Some(high))
                    if found.as_number().compare(&high).is_ge() =>
                {
                    Some(Bound::At(found))
                }
                (_, Some(high)) => Some(Bound::At(Decimal::of(high))),
            };
        });
        greatest
    }

    fn each_interval<'a>(&self, document: Value<'a>, visit: &mut impl FnMut(Interval<'a>)) {
        self.each_of_range(document, &mut |leaf, value| {
            if let Some(Some(interval)) = range::interval(leaf, value, &mut AnyUnit) {
                visit(interval);
            }
        });
    }

    /// The unit of the only quantity, `system|code`; `None` where there is not exactly one, or where it has not both.
    pub fn unit(&self, document: Value<'_>) -> Option<String> {
        let mut units = Collected::default();
        let mut elements = 0_usize;
        self.each_of_range(document, &mut |leaf, value| {
            elements = elements.saturating_add(1);
            if !matches!(range::interval(leaf, value, &mut units), Some(Some(_))) {
                units.unknown = true;
            }
        });
        if units.unknown || elements != 1 {
            return None;
        }
        units.unit.filter(|unit| unit.len() <= MOST_KEY_BYTES)
    }

    /// The string parts, folded, sorted, each once.
    pub fn strings(&self, document: Value<'_>) -> Vec<String> {
        let mut found = Vec::new();
        self.each(document, &mut |leaf, value| {
            each_piece(leaf, value, &mut |piece| {
                found.push(fold::fold(piece));
                false
            });
        });
        distinct(found)
    }

    /// The URIs as they are, sorted, each once.
    pub fn uris(&self, document: Value<'_>) -> Vec<String> {
        let mut found = Vec::new();
        self.each(document, &mut |_, value| {
            found.extend(value.as_str().map(str::to_owned));
        });
        distinct(found)
    }

    /// The codes with and without their systems, in all the forms in which criteria ask for them: `code`, `system|code`, `|code` (no
    /// system) and `system|`, a `|` inside written `\|`; sorted, each once.
    pub fn tokens(&self, document: Value<'_>) -> Vec<String> {
        let mut found = Vec::new();
        self.each(document, &mut |leaf, value| {
            each_token(leaf, value, &mut |code, system| {
                add_forms(code, system, &mut found);
                Some(false)
            });
        });
        found.retain(|token| token.len() <= MOST_KEY_BYTES);
        distinct(found)
    }

    /// What references refer to, as it is compared: `Type/id`, or a URL without version; sorted, each once.
    pub fn targets(&self, document: Value<'_>) -> Vec<String> {
        let mut found = Vec::new();
        let document = &Document::from(document);
        self.each(
            document.root,
            &mut |leaf, value| match Found::of(leaf, value, document) {
                Some(Found::Resource(kind, id)) => {
                    found.push([kind, "/", id].concat());
                }
                Some(Found::Other(text)) => {
                    found.push(text.to_owned());
                }
                Some(Found::Nothing) | None => {}
            },
        );
        found.retain(|target| target.len() <= MOST_KEY_BYTES);
        distinct(found)
    }
}

/// Sorted, each once. Nearly always there is one, or a few.
fn distinct(mut found: Vec<String>) -> Vec<String> {
    found.sort_unstable();
    found.dedup();
    found
}

/// Adds what is known of a stored token.
fn add_forms(code: Half<'_>, system: Half<'_>, forms: &mut Vec<String>) {
    if let Some(Some(code)) = code {
        forms.push(escaped(code).into_owned());
    }
    match (system, code) {
        (Some(None), Some(Some(code))) => {
            forms.push(["|", &escaped(code)].concat());
        }
        // An empty system is none that criteria can name.
        (Some(Some("")), _) => {}
        (Some(Some(system)), code) => {
            let system = escaped(system);
            if let Some(Some(code)) = code {
                forms.push([&system, "|", &escaped(code)].concat());
            }
            forms.push([&system, "|"].concat());
        }
        _ => {}
    }
}

/// A system or code in which `|` is only data.
fn escaped(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte == b'\\' || byte == b'|') {
        text.replace('\\', r"\\").replace('|', r"\|").into()
    } else {
        text.into()
    }
}

/// A token that is asked for, in the form that [`Paths::tokens`] gives it.
pub(crate) fn token_key(token: &Token) -> String {
    let code = token.code.as_deref().map(escaped).unwrap_or_default();
    match &token.system {
        TokenSystem::Any => code.into_owned(),
        TokenSystem::None => format!("|{code}"),
        TokenSystem::Is(system) => format!("{}|{code}", escaped(system)),
    }
}

struct AnyUnit;

impl Units for AnyUnit {
    fn fits(&mut self, _: Stored<'_>) -> Option<bool> {
        Some(true)
    }
}

/// Notes the unit that all the quantities of an element have.
#[derive(Default)]
struct Collected {
    unit: Option<String>,
    unknown: bool,
}

impl Units for Collected {
    fn fits(&mut self, stored: Stored<'_>) -> Option<bool> {
        match (stored.system(), stored.code()) {
            (Some(Some(system)), Some(Some(code))) => {
                let unit = format!("{system}|{code}");
                self.unknown |= self.unit.as_ref().is_some_and(|known| *known != unit);
                self.unit = Some(unit);
            }
            _ => self.unknown = true,
        }
        Some(true)
    }
}
