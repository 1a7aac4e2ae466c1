//! Values of the language itself (N1 §4.1, the `System` types), apart from any document.

mod arithmetic;
mod compare;
mod convert;
mod decimal;
mod quantity;
mod string;
mod ucum;

pub use decimal::Decimal;
pub use quantity::Quantity;
pub use string::Text;

pub(crate) use arithmetic::{
    add, concatenate, divide, int_divide, modulo, multiply, negate, subtract,
};
pub(crate) use compare::{compare, equal, equivalent};
pub(crate) use string::MAX_TEXT;

#[cfg(test)]
mod tests;

use crate::temporal::{Date, DateTime, Time};

/// A value of one of the `System` types.
#[derive(Clone, Debug)]
pub enum Scalar<'a> {
    /// `System.Boolean`.
    Boolean(bool),
    /// `System.Integer`; also what an operation may need beyond its 32 bits.
    Integer(i64),
    /// `System.Decimal`, exact, with its scale.
    Decimal(Decimal),
    /// `System.String`.
    String(Text<'a>),
    /// `System.Date`.
    Date(Date),
    /// `System.DateTime`.
    DateTime(DateTime),
    /// `System.Time`.
    Time(Time),
    /// `System.Quantity`.
    Quantity(Box<Quantity>),
}

impl Scalar<'_> {
    /// The name of its type, without `System.`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "Boolean",
            Self::Integer(_) => "Integer",
            Self::Decimal(_) => "Decimal",
            Self::String(_) => "String",
            Self::Date(_) => "Date",
            Self::DateTime(_) => "DateTime",
            Self::Time(_) => "Time",
            Self::Quantity(_) => "Quantity",
        }
    }
}

impl From<Quantity> for Scalar<'_> {
    fn from(quantity: Quantity) -> Self {
        Self::Quantity(Box::new(quantity))
    }
}
