//! What is known of a collection before there is a document.

use fhir_model::{Kind, TypeId};
use smallvec::{SmallVec, smallvec};

use crate::item::is_quantity;
use crate::types::SystemType;

/// More possible types than this are as good as any.
const MOST_TYPES: usize = 64;

/// The possible types of a collection's items.
pub(super) type Types = SmallVec<[Type; 2]>;

/// What is known of a collection.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// The types that its items can have; `None`: any. No type at all: it is always empty.
    pub(super) types: Option<Types>,
    pub(super) count: Count,
    /// Whether its items have a place that means something; those of `children()` have none.
    pub(super) ordered: bool,
}

/// How many items there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Count {
    /// At most one.
    One,
    /// Several for all the definitions say, though perhaps not in fact: what `where()` leaves.
    Perhaps,
    /// Several: an element that repeats.
    Many,
}

/// A type that an item can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// A value of the language.
    System(SystemType),
    /// An element or a resource.
    Fhir(TypeId),
    /// A reference that the caller gives.
    Reference,
    /// A resource that a reference names: often its type is all that is known.
    Resolved(TypeId),
    /// What `type()` gives.
    Info,
}

/// What operators and functions tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Could be any of the others.
    Any,
    Boolean,
    /// An integer or a decimal.
    Number,
    String,
    /// A date, with or without a time.
    Date,
    Time,
    Quantity,
    /// Has elements and no value.
    Complex,
}

impl Shape {
    /// Nothing is known but how many there can be.
    pub(super) fn unknown(count: Count) -> Self {
        Self {
            types: None,
            count,
            ordered: true,
        }
    }

    pub(super) fn of(types: Types, count: Count) -> Self {
        Self {
            types: Some(types).filter(|types| types.len() <= MOST_TYPES),
            count,
            ordered: true,
        }
    }

    /// One value of the language, or none.
    pub(super) fn system(system: SystemType) -> Self {
        Self::of(smallvec![Type::System(system)], Count::One)
    }

    /// Always empty.
    pub(super) fn empty() -> Self {
        Self::of(Types::new(), Count::One)
    }

    /// One of its items.
    pub(super) fn item(&self) -> Self {
        self.clone().counted(Count::One)
    }

    pub(super) fn counted(mut self, count: Count) -> Self {
        self.count = count;
        self
    }

    /// What is left of it when something is taken away.
    pub(super) fn filtered(mut self) -> Self {
        self.count = self.count.min(Count::Perhaps);
        self
    }

    /// Items of both.
    pub(super) fn or(self, other: &Self) -> Self {
        let types = match (self.types, &other.types) {
            (Some(mut types), Some(others)) => {
                for found in others {
                    add(&mut types, *found);
                }
                Some(types).filter(|types| types.len() <= MOST_TYPES)
            }
            _ => None,
        };
        Self {
            types,
            count: self.count.max(other.count),
            ordered: self.ordered && other.ordered,
        }
    }

    /// Whether it is always empty.
    pub(super) fn is_empty(&self) -> bool {
        self.types.as_ref().is_some_and(|types| types.is_empty())
    }

    /// Whether it is known to have items, if any, of none of these classes.
    pub(super) fn is_never(&self, classes: &[Class]) -> bool {
        self.known().is_some_and(|types| {
            types
                .iter()
                .all(|found| found.class() != Class::Any && !classes.contains(&found.class()))
        })
    }

    /// The types, if they are known and there are any.
    pub(super) fn known(&self) -> Option<&Types> {
        self.types.as_ref().filter(|types| !types.is_empty())
    }
}

/// Adds a type that is not there yet.
pub(super) fn add(types: &mut Types, found: Type) {
    if !types.contains(&found) {
        types.push(found);
    }
}

impl Type {
    /// A named type of FHIR.
    pub(super) fn fhir(name: &str) -> Option<Self> {
        TypeId::named(name).map(Self::Fhir)
    }

    pub(super) fn class(self) -> Class {
        match self {
            Self::System(system) => of_system(system),
            Self::Reference => Class::String,
            Self::Resolved(_) | Self::Info => Class::Complex,
            Self::Fhir(found) => match found.kind() {
                Kind::Primitive => of_system(SystemType::of_primitive(found.name())),
                Kind::Complex if found.is_abstract() => Class::Any,
                Kind::Complex if is_quantity(found) => Class::Quantity,
                Kind::Complex | Kind::Backbone | Kind::Resource => Class::Complex,
            },
        }
    }

    /// As messages name it: FHIR's types by name or path, the language's with a capital letter.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::System(system) => system.name(),
            Self::Fhir(found) | Self::Resolved(found) => found.path(),
            Self::Reference => "a reference parameter",
            Self::Info => "TypeInfo",
        }
    }
}

fn of_system(system: SystemType) -> Class {
    match system {
        SystemType::Any => Class::Any,
        SystemType::Boolean => Class::Boolean,
        SystemType::Integer | SystemType::Decimal => Class::Number,
        SystemType::String => Class::String,
        SystemType::Date | SystemType::DateTime => Class::Date,
        SystemType::Time => Class::Time,
        SystemType::Quantity => Class::Quantity,
    }
}
