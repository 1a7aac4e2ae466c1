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

/// `.where(member = 'value')` on an element.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Filter {
    /// A member of the element, a string.
    pub member: String,
    /// The value it must have.
    pub value: String,
}

/// The type of the element at the end of a path, as far as search cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leaf {
    /// A JSON boolean.
    Boolean,
    /// A JSON number.
    Number,
    /// A JSON string: `string`, `code`, `uri`, `date` and all the other primitives.
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
    /// Any other datatype; only its presence can be asked for.
    Object,
    /// An element of which only "there and not false" is asked (`deceased`).
    Truth,
}

impl Leaf {
    const NAMES: [(Leaf, &'static str); 12] = [
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
        (Leaf::Object, "object"),
        (Leaf::Truth, "truth"),
    ];

    /// The leaf for a FHIR datatype.
    pub fn of_type(name: &str) -> Self {
        match name {
            "truth" => Leaf::Truth,
            "boolean" => Leaf::Boolean,
            "integer" | "decimal" | "positiveInt" | "unsignedInt" => Leaf::Number,
            _ if name.starts_with(|first: char| first.is_ascii_lowercase()) => Leaf::Text,
            _ => Self::from_name(name).unwrap_or(Leaf::Object),
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
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(leaf, _)| leaf == self);
        f.write_str(name.map_or("object", |(_, name)| name))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            let many = if step.many { "*" } else { "" };
            write!(f, "{dot}{}{many}", step.member)?;
            if let Some(filter) = &step.filter {
                write!(f, "[{}=", filter.member)?;
                write_quoted(f, &filter.value)?;
                f.write_str("]")?;
            }
        }
        write!(f, ":{}", self.leaf)
    }
}

/// Reads the steps of a path up to its `:`.
pub(crate) fn scan_steps(scanner: &mut Scanner<'_>) -> Result<Vec<Step>, ParseTestError> {
    let mut steps = Vec::new();
    loop {
        let member = scanner.name()?.to_owned();
        let many = scanner.take("*");
        let mut filter = None;
        if scanner.take("[") {
            let member = scanner.name()?.to_owned();
            scanner.expect("=")?;
            let value = scanner.quoted()?;
            scanner.expect("]")?;
            filter = Some(Filter { member, value });
        }
        steps.push(Step {
            member,
            many,
            filter,
        });
        if !scanner.take(".") {
            scanner.expect(":")?;
            return Ok(steps);
        }
    }
}

/// Reads a path with its leaf.
pub(crate) fn scan(scanner: &mut Scanner<'_>) -> Result<Path, ParseTestError> {
    let steps = scan_steps(scanner)?;
    let leaf = Leaf::from_name(scanner.name()?).ok_or(scanner.error("an element type"))?;
    Ok(Path { steps, leaf })
}
