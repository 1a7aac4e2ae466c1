//! Numbers with a unit (N1 §4.1.8).

mod arithmetic;
mod compare;

use std::fmt;

use super::Decimal;
use super::ucum::MAX_CODE;
use crate::literal::{CalendarUnit, Unit};
use crate::text;

/// Reading a byte of a unit takes at most so many steps.
const STEPS_TO_READ: u64 = 8;

/// Multiplying a byte of a unit takes at most so many steps.
const STEPS_TO_MULTIPLY: u64 = 32;

/// `System.Quantity`: a number with a unit. Without a unit, the unit is `'1'`.
#[derive(Clone, Debug)]
pub struct Quantity {
    /// The number.
    pub value: Decimal,
    /// A calendar duration or a UCUM code.
    pub unit: Unit,
}

impl Quantity {
    /// The number with a UCUM code, which is not checked.
    #[must_use]
    pub fn new(value: Decimal, code: &str) -> Self {
        Self {
            value,
            unit: Unit::Ucum(code.into()),
        }
    }

    /// The number with the unit `'1'`: what a number is implicitly converted to.
    #[must_use]
    pub fn plain(value: Decimal) -> Self {
        Self::new(value, "1")
    }

    /// Steps that comparing or adding it takes.
    pub(crate) fn cost(&self) -> u64 {
        self.value
            .size()
            .saturating_add(self.unit_size().saturating_mul(STEPS_TO_READ))
    }

    /// Steps that the product of its unit with another one takes.
    pub(crate) fn cost_of_product(&self) -> u64 {
        self.unit_size().saturating_mul(STEPS_TO_MULTIPLY)
    }

    /// The bytes of its unit that must be read.
    fn unit_size(&self) -> u64 {
        match &self.unit {
            Unit::Calendar(_) => 1,
            Unit::Ucum(code) => code.len().min(MAX_CODE) as u64,
        }
    }

    /// The number with a calendar unit.
    #[must_use]
    pub fn calendar(value: Decimal, unit: CalendarUnit) -> Self {
        Self {
            value,
            unit: Unit::Calendar(unit),
        }
    }
}

impl fmt::Display for Quantity {
    /// As a literal: `1 day`, `4 days`, `10.1 'mg'`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.value)?;
        match &self.unit {
            Unit::Calendar(unit) => {
                let plural = if self.value == Decimal::from_i64(1) {
                    ""
                } else {
                    "s"
                };
                write!(f, "{}{plural}", unit.word())
            }
            Unit::Ucum(code) => text::write_quoted(f, code, '\''),
        }
    }
}
