//! The search parameters of every resource type, from `data/parameters.txt`.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::LazyLock;

use crate::path::{self, Leaf, Path, Step};
use crate::test::Scanner;

static SOURCE: &str = include_str!("../data/parameters.txt");

/// A search parameter of a resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name used in criteria.
    pub code: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// What it searches.
    pub searched: Searched,
}

/// What a parameter searches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Searched {
    /// Elements; any of them may have the value.
    Elements(Vec<Alternative>),
    /// Several parts of one element.
    Composite(Composite),
    /// It cannot be used in criteria, and why: "it …".
    Nothing(&'static str),
}

/// A composite parameter: several parameters on the same element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composite {
    /// The ways to the element; an empty one is the resource itself.
    pub contexts: Vec<Vec<Step>>,
    /// The parts of a value, in order.
    pub parts: Vec<Part>,
}

/// One part of a composite parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its kind.
    pub kind: Kind,
    /// Its paths start at the resource, not at the element.
    pub from_root: bool,
    /// The elements it searches.
    pub alternatives: Vec<Alternative>,
}

impl Parameter {
    /// The elements that a parameter searches, unless it is composite or cannot be used.
    pub fn elements(&self) -> &[Alternative] {
        match &self.searched {
            Searched::Elements(alternatives) => alternatives,
            Searched::Composite(_) | Searched::Nothing(_) => &[],
        }
    }
}

/// One kind of element that a parameter searches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Where it is.
    pub path: Path,
    /// Its FHIR datatype (`dateTime`, `Quantity`, …).
    pub datatype: &'static str,
    /// For a Reference: the resource types it may refer to; empty means any.
    pub targets: Vec<&'static str>,
    /// For a Reference: only references to these `targets` count (`resolve() is Patient`).
    pub only_targets: bool,
}

/// The kinds of search parameters of R4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    String,
    /// Codes.
    Token,
    /// References.
    Reference,
    /// Dates, times and periods.
    Date,
    /// Numbers.
    Number,
    /// Numbers with a unit.
    Quantity,
    /// URIs.
    Uri,
    /// Several parameters on one element.
    Composite,
    /// Defined by its own text.
    Special,
}

impl Kind {
    fn read(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Kind::String,
            "token" => Kind::Token,
            "reference" => Kind::Reference,
            "date" => Kind::Date,
            "number" => Kind::Number,
            "quantity" => Kind::Quantity,
            "uri" => Kind::Uri,
            "composite" => Kind::Composite,
            "special" => Kind::Special,
            _ => return None,
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::String => "string",
            Kind::Token => "token",
            Kind::Reference => "reference",
            Kind::Date => "date",
            Kind::Number => "number",
            Kind::Quantity => "quantity",
            Kind::Uri => "uri",
            Kind::Composite => "composite",
            Kind::Special => "special",
        })
    }
}

/// Per type, per parameter: the rest of its line. The rest is read when the parameter is used.
static LINES: LazyLock<HashMap<&'static str, BTreeMap<&'static str, &'static str>>> =
    LazyLock::new(|| {
        let mut types: HashMap<_, BTreeMap<_, _>> = HashMap::new();
        let mut current = "";
        for line in SOURCE.lines().filter(|line| !line.starts_with('#')) {
            match line.strip_prefix(' ').and_then(|line| line.split_once(' ')) {
                Some((code, rest)) => {
                    types.entry(current).or_default().insert(code, rest);
                }
                None => current = line,
            }
        }
        types
    });

/// The parameter `code` of a resource type, or of all of them (`_id`, `_tag`, …).
pub fn parameter(resource_type: &str, code: &str) -> Option<Parameter> {
    [resource_type, "DomainResource", "Resource"]
        .into_iter()
        .filter_map(|name| LINES.get(name))
        .find_map(|lines| lines.get_key_value(code))
        .and_then(|(code, rest)| read(code, rest))
}

/// The names of all parameters of a resource type, those that all types have included.
pub fn codes(resource_type: &str) -> impl Iterator<Item = &'static str> {
    [resource_type, "DomainResource", "Resource"]
        .into_iter()
        .filter_map(|name| LINES.get(name))
        .flat_map(BTreeMap::keys)
        .copied()
}

/// Reads `kind alternative | alternative`, `composite context | context $ kind alternative $ …` or `kind - reason`.
fn read(code: &'static str, rest: &'static str) -> Option<Parameter> {
    let (kind, rest) = rest.split_once(' ')?;
    let kind = Kind::read(kind)?;
    let searched = match rest.strip_prefix("- ") {
        Some(reason) => Searched::Nothing(reason),
        None if kind == Kind::Composite => Searched::Composite(read_composite(rest)?),
        None => Searched::Elements(read_alternatives(rest)?),
    };
    Some(Parameter {
        code,
        kind,
        searched,
    })
}

fn read_composite(text: &'static str) -> Option<Composite> {
    let mut parts = text.split(" $ ");
    let contexts = parts.next()?.split(" | ").map(|context| match context {
        "." => Some(Vec::new()),
        steps => path::scan_steps(&mut Scanner::new(steps)).ok(),
    });
    let contexts = contexts.collect::<Option<Vec<_>>>()?;
    let parts = parts.map(|part| {
        let (kind, rest) = part.split_once(' ')?;
        let from_root = rest.starts_with('/');
        Some(Part {
            kind: Kind::read(kind)?,
            from_root,
            alternatives: read_alternatives(rest.trim_start_matches('/'))?,
        })
    });
    Some(Composite {
        contexts,
        parts: parts.collect::<Option<Vec<_>>>()?,
    })
}

fn read_alternatives(text: &'static str) -> Option<Vec<Alternative>> {
    text.split(" | ").map(read_alternative).collect()
}

/// Reads `subject:Reference(Group|Patient)`, `subject:Reference!Patient`, `birthDate:date`.
fn read_alternative(text: &'static str) -> Option<Alternative> {
    let mut scanner = Scanner::new(text);
    let steps = path::scan_steps(&mut scanner).ok()?;
    scanner.expect(":").ok()?;
    let leaf = scanner.rest();
    let (datatype, targets) = leaf.split_once(['(', '!']).unwrap_or((leaf, ""));
    let targets = targets
        .trim_end_matches(')')
        .split('|')
        .filter(|target| !target.is_empty());
    Some(Alternative {
        path: Path {
            steps,
            leaf: Leaf::of_type(datatype),
        },
        datatype,
        targets: targets.collect(),
        only_targets: leaf.contains('!'),
    })
}
