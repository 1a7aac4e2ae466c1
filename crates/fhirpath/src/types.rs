//! Names of types in expressions, and whether an item is of one.

use fhir_model::{Kind, TypeId};

use crate::ast::TypeName;
use crate::item::Item;

/// The types of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SystemType {
    Any,
    Boolean,
    Integer,
    Decimal,
    String,
    Date,
    DateTime,
    Time,
    Quantity,
}

/// A type that an expression names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeSpec {
    System(SystemType),
    Fhir(TypeId),
    /// A name that both have (`Quantity`).
    Either(SystemType, TypeId),
    /// `System.` and a name that the language does not have: nothing is of that type.
    Nothing,
}

impl SystemType {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "Any" => Self::Any,
            "Boolean" => Self::Boolean,
            "Integer" => Self::Integer,
            "Decimal" => Self::Decimal,
            "String" => Self::String,
            "Date" => Self::Date,
            "DateTime" => Self::DateTime,
            "Time" => Self::Time,
            "Quantity" => Self::Quantity,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Any => "Any",
            Self::Boolean => "Boolean",
            Self::Integer => "Integer",
            Self::Decimal => "Decimal",
            Self::String => "String",
            Self::Date => "Date",
            Self::DateTime => "DateTime",
            Self::Time => "Time",
            Self::Quantity => "Quantity",
        }
    }

    /// What a FHIR primitive converts to implicitly (FHIR R4 §2.9.0.1).
    pub(crate) fn of_primitive(name: &str) -> Self {
        match name {
            "boolean" => Self::Boolean,
            "integer" | "positiveInt" | "unsignedInt" | "integer64" => Self::Integer,
            "decimal" => Self::Decimal,
            "date" => Self::Date,
            "dateTime" | "instant" => Self::DateTime,
            "time" => Self::Time,
            _ => Self::String,
        }
    }
}

impl TypeSpec {
    /// The type that a name stands for: without a namespace FHIR's comes first, then the language's.
    pub(crate) fn resolve(name: &TypeName) -> Option<Self> {
        match name.parts() {
            [name] => {
                let name = name.as_str();
                match (TypeId::named(name), SystemType::from_name(name)) {
                    (Some(fhir), Some(system)) => Some(Self::Either(system, fhir)),
                    (Some(fhir), None) => Some(Self::Fhir(fhir)),
                    (None, system) => system.map(Self::System),
                }
            }
            [namespace, name] => match namespace.as_str() {
                "System" => {
                    Some(SystemType::from_name(name.as_str()).map_or(Self::Nothing, Self::System))
                }
                "FHIR" => TypeId::named(name.as_str()).map(Self::Fhir),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the item is of this type or one derived from it.
    pub(crate) fn holds(self, item: &Item<'_>) -> bool {
        match self {
            Self::System(system) => is_system(item, system),
            Self::Fhir(fhir) => is_fhir(item, fhir),
            Self::Either(system, fhir) => is_system(item, system) || is_fhir(item, fhir),
            Self::Nothing => false,
        }
    }

    /// Whether `as` and `ofType()` keep the item: as [`holds`](Self::holds), but a FHIR primitive is only of its own
    /// type (a `code` is a `string`, and `as(string)` does not give it: HL7's suite, testFHIRPathAsFunction11).
    pub(crate) fn keeps(self, item: &Item<'_>) -> bool {
        let (Self::Fhir(fhir) | Self::Either(_, fhir)) = self else {
            return self.holds(item);
        };
        match item {
            Item::Element(element) if fhir.kind() == Kind::Primitive => {
                element.type_id == Some(fhir)
            }
            _ => self.holds(item),
        }
    }
}

fn is_system(item: &Item<'_>, system: SystemType) -> bool {
    system == SystemType::Any
        || matches!(item, Item::Scalar(scalar) if scalar.type_name() == system.name())
}

fn is_fhir(item: &Item<'_>, fhir: TypeId) -> bool {
    match item {
        Item::Element(element) => element.type_id.is_some_and(|found| found.is_a(fhir)),
        Item::Stub(stub) => stub.type_id.is_a(fhir),
        Item::Reference(_) => TypeId::named("Reference").is_some_and(|found| found.is_a(fhir)),
        Item::Scalar(_) | Item::Type(_) => false,
    }
}
