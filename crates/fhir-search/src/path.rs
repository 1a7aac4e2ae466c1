//! Paths into a FHIR document, as search parameters name them, and their readable text form.
//!
//! `telecom*[system="phone"]:ContactPoint` is: the member `telecom`, an array; of its items those whose `system` is
//! `phone`; they are ContactPoints. The same text appears in `data/parameters.txt` and in a [`Test`](crate::Test).

use std::fmt;

use crate::test::{ParseTestError, Scanner, write_quoted};

/// A path from the document's root to the elements that a search parameter looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// The members to follow, at least one.
    pub steps: Vec<Step>,
    /// What the path ends at.
    pub leaf: Leaf,
}

/// One member on the way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step {
    /// The JSON member; a choice is already its concrete member (`valueQuantity`).
    pub member: String,
    /// The member holds an array; each item is followed.
    pub many: bool,
    /// Only items that this holds for.
    pub filter: Option<Filter>,
}

/// Which items of an array are followed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filter {
    /// `.where(member = 'value')`.
    Where {
        /// A member of the element, a string.
        member: String,
        /// The value it must have.
        value: String,
    },
    /// `[0]`: the first item.
    First,
}

/// The type of the element at the end of a path, as far as search cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leaf {
    /// A JSON boolean.
    Boolean,
    /// A JSON number.
    Number,
    /// A JSON string: `string`, `code`, `uri` and all the other primitives.
    Text,
    /// Coding: `system`, `code`.
    Coding,
    /// CodeableConcept: `coding[]`.
    CodeableConcept,
    /// Identifier: `system`, `value`.
    Identifier,
    /// ContactPoint: `system`, `value`.
    ContactPoint,
    /// HumanName: its string parts.
    HumanName,
    /// Address: its string parts.
    Address,
    /// Reference: `reference`.
    Reference,
    /// A resource inside the document: `resourceType`, `id`.
    Resource,
    /// A JSON string: a day, month or year.
    Date,
    /// A JSON string: as a date, or with a time.
    DateTime,
    /// A JSON string: a date with a time.
    Instant,
    /// Period: `start`, `end`.
    Period,
    /// Timing: `event[]`, `repeat.boundsPeriod`.
    Timing,
    /// Quantity: `value`, `comparator`, `unit`, `system`, `code`.
    Quantity,
    /// A Quantity of time.
    Age,
    /// A Quantity of time.
    Duration,
    /// Money: `value`, `currency`.
    Money,
    /// Range: `low`, `high`, both Quantities.
    Range,
    /// SampledData: `origin`, `factor`, `data`.
    SampledData,
    /// Any other datatype; only its presence can be asked for.
    Object,
    /// An element of which only "there and not false" is asked (`deceased`).
    Truth,
}

impl Leaf {
    const NAMES: [(Leaf, &'static str); 24] = [
        (Leaf::Boolean, "boolean"),
        (Leaf::Number, "number"),
        (Leaf::Text, "text"),
        (Leaf::Coding, "Coding"),
        (Leaf::CodeableConcept, "CodeableConcept"),
        (Leaf::Identifier, "Identifier"),
        (Leaf::ContactPoint, "ContactPoint"),
        (Leaf::HumanName, "HumanName"),
        (Leaf::Address, "Address"),
        (Leaf::Reference, "Reference"),
        (Leaf::Resource, "Resource"),
        (Leaf::Date, "date"),
        (Leaf::DateTime, "dateTime"),
        (Leaf::Instant, "instant"),
        (Leaf::Period, "Period"),
        (Leaf::Timing, "Timing"),
        (Leaf::Quantity, "Quantity"),
        (Leaf::Age, "Age"),
        (Leaf::Duration, "Duration"),
        (Leaf::Money, "Money"),
        (Leaf::Range, "Range"),
        (Leaf::SampledData, "SampledData"),
        (Leaf::Object, "object"),
        (Leaf::Truth, "truth"),
    ];

    /// The leaf for a FHIR datatype.
    pub fn of_type(name: &str) -> Self {
        match name {
            "integer" | "decimal" | "positiveInt" | "unsignedInt" => Leaf::Number,
            _ => match Self::from_name(name) {
                Some(leaf) => leaf,
                None if name.starts_with(|first: char| first.is_ascii_lowercase()) => Leaf::Text,
                None => Leaf::Object,
            },
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(_, found)| *found == name)
            .map(|(leaf, _)| *leaf)
    }

    /// Whether a token on this element can have a system.
    pub(crate) fn has_system(self) -> bool {
        matches!(
            self,
            Leaf::Coding | Leaf::CodeableConcept | Leaf::Identifier | Leaf::ContactPoint
        )
    }

    /// Whether a token on this element comes with a text, which `:text` searches.
    pub(crate) fn has_text(self) -> bool {
        matches!(
            self,
            Leaf::Coding | Leaf::CodeableConcept | Leaf::Identifier
        )
    }

    /// Whether the element is a JSON string.
    pub(crate) fn is_text(self) -> bool {
        matches!(
            self,
            Leaf::Text | Leaf::Date | Leaf::DateTime | Leaf::Instant
        )
    }
}

impl Path {
    /// At most one element is at the end of the path.
    pub(crate) fn is_single(&self) -> bool {
        self.steps.iter().all(|step| !step.many)
    }

    /// The path of the choice that this path's element is a member of: `effective` of `effectiveDateTime:dateTime`. `None`
    /// where the name says that it is no choice.
    fn choice(&self) -> Option<(&[Step], &str)> {
        let (last, before) = self.steps.split_last()?;
        let name = self.leaf.to_string();
        let mut letters = name.chars();
        let first = letters.next()?.to_ascii_uppercase();
        let base = last
            .member
            .strip_suffix(letters.as_str())?
            .strip_suffix(first)?;
        (!base.is_empty()).then_some((before, base))
    }
}

/// Whether all the paths together end at no more than one element: they are one path without arrays, or members of one
/// choice, of which FHIR allows only one.
pub(crate) fn are_single(paths: &[Path]) -> bool {
    let Some((first, rest)) = paths.split_first() else {
        return false;
    };
    first.is_single()
        && (rest.is_empty()
            || first.choice().is_some_and(|choice| {
                rest.iter()
                    .all(|path| path.is_single() && path.choice() == Some(choice))
            }))
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(leaf, _)| leaf == self);
        f.write_str(name.map_or("object", |(_, name)| name))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_steps(f, &self.steps)?;
        write!(f, ":{}", self.leaf)
    }
}

/// Writes steps without the `:` and the leaf.
pub(crate) fn write_steps(f: &mut fmt::Formatter<'_>, steps: &[Step]) -> fmt::Result {
    for (index, step) in steps.iter().enumerate() {
        let dot = if index == 0 { "" } else { "." };
        let many = if step.many { "*" } else { "" };
        write!(f, "{dot}{}{many}", step.member)?;
        match &step.filter {
            Some(Filter::Where { member, value }) => {
                write!(f, "[{member}=")?;
                write_quoted(f, value)?;
                f.write_str("]")?;
            }
            Some(Filter::First) => f.write_str("[0]")?,
            None => {}
        }
    }
    Ok(())
}

/// Reads steps.
pub(crate) fn scan_steps(scanner: &mut Scanner<'_>) -> Result<Vec<Step>, ParseTestError> {
    let mut steps = Vec::new();
    loop {
        let member = scanner.name()?.to_owned();
        let many = scanner.take("*");
        let mut filter = None;
        if scanner.take("[0]") {
            filter = Some(Filter::First);
        } else if scanner.take("[") {
            let member = scanner.name()?.to_owned();
            scanner.expect("=")?;
            let value = scanner.quoted()?;
            scanner.expect("]")?;
            filter = Some(Filter::Where { member, value });
        }
        steps.push(Step {
            member,
            many,
            filter,
        });
        if !scanner.take(".") {
            return Ok(steps);
        }
    }
}

/// Reads a path with its leaf.
pub(crate) fn scan(scanner: &mut Scanner<'_>) -> Result<Path, ParseTestError> {
    let steps = scan_steps(scanner)?;
    scanner.expect(":")?;
    let leaf = Leaf::from_name(scanner.name()?).ok_or(scanner.error("an element type"))?;
    Ok(Path { steps, leaf })
}

/// Reads paths separated by commas.
pub(crate) fn scan_list(scanner: &mut Scanner<'_>) -> Result<Vec<Path>, ParseTestError> {
    let mut paths = vec![scan(scanner)?];
    while scanner.take(", ") {
        paths.push(scan(scanner)?);
    }
    Ok(paths)
}
