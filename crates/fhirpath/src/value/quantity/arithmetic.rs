//! Arithmetic on quantities (N1 §6.6). `None` means: the units do not fit, or the result is beyond the limits.

use super::Quantity;
use super::compare::{Mode, common, trusted, ucum_code};
use crate::literal::{CalendarUnit, Unit};
use crate::value::ucum::Factors;

/// The unit of a number without any.
const UNITY: &str = "1";

impl Quantity {
    /// The sum, in the smaller unit of the two.
    pub(crate) fn add(&self, other: &Self) -> Option<Self> {
        if self.unit == other.unit {
            return Some(Self {
                value: self.value.add(&other.value)?,
                unit: self.unit.clone(),
            });
        }
        if self.is_long() != other.is_long() {
            return None;
        }
        let common = common(&self.unit, &other.unit, Mode::Equal)?;
        // Degrees of temperature do not add up.
        if !common.left.shift.is_zero() || !common.right.shift.is_zero() {
            return None;
        }
        let (left, right) = (&common.left.factor, &common.right.factor);
        if left <= right {
            let other = other.value.multiply(right)?.divide(left)?;
            Some(Self {
                value: self.value.add(&other)?,
                unit: self.unit.clone(),
            })
        } else {
            let own = self.value.multiply(left)?.divide(right)?;
            Some(Self {
                value: own.add(&other.value)?,
                unit: other.unit.clone(),
            })
        }
    }

    /// The difference, in the smaller unit of the two.
    pub(crate) fn subtract(&self, other: &Self) -> Option<Self> {
        self.add(&other.negate())
    }

    /// The product, in the product of the units.
    pub(crate) fn multiply(&self, other: &Self) -> Option<Self> {
        let value = self.value.multiply(&other.value)?;
        let unit = match (self.is_plain(), other.is_plain()) {
            (_, true) => self.unit.clone(),
            (true, false) => other.unit.clone(),
            (false, false) => {
                let product = self.factors()?.times(other.factors()?, 1)?;
                let (multiplier, divisor) = product.fraction();
                let value = value.multiply(multiplier)?.divide(divisor)?;
                return Some(Self::new(value, &product.code()?));
            }
        };
        Some(Self { value, unit })
    }

    /// The quotient, in the quotient of the units; `None` for a division by zero.
    pub(crate) fn divide(&self, other: &Self) -> Option<Self> {
        if other.is_plain() {
            return Some(Self {
                value: self.value.divide(&other.value)?,
                unit: self.unit.clone(),
            });
        }
        if self.unit == other.unit {
            return Some(Self::plain(self.value.divide(&other.value)?));
        }
        let quotient = self.factors()?.times(other.factors()?, -1)?;
        let (multiplier, divisor) = quotient.fraction();
        let value = self
            .value
            .multiply(multiplier)?
            .divide(&other.value.multiply(divisor)?)?;
        Some(Self::new(value, &quotient.code()?))
    }

    /// The unit, to be multiplied; `None` for calendar years and months, and for what is no unit.
    fn factors(&self) -> Option<Factors> {
        if self.is_long() {
            return None;
        }
        Factors::new(ucum_code(&self.unit))
    }

    /// The quantity with the other sign.
    #[must_use]
    pub(crate) fn negate(&self) -> Self {
        Self {
            value: self.value.negate(),
            unit: self.unit.clone(),
        }
    }

    /// The same quantity in another unit; `None` where the units do not convert into each other.
    pub(crate) fn convert(&self, unit: &Unit) -> Option<Self> {
        if self.unit == *unit {
            return Some(self.clone());
        }
        let common = common(&self.unit, unit, Mode::Equivalent)?;
        let value = common
            .left
            .base(&self.value)?
            .divide(&common.right.factor)?
            .subtract(&common.right.shift)?;
        Some(Self {
            value: trusted(&value).normalized(),
            unit: unit.clone(),
        })
    }

    fn is_plain(&self) -> bool {
        matches!(&self.unit, Unit::Ucum(code) if &**code == UNITY)
    }

    /// Whether the unit is a calendar year or month, which have no fixed length.
    fn is_long(&self) -> bool {
        matches!(
            self.unit,
            Unit::Calendar(CalendarUnit::Year | CalendarUnit::Month)
        )
    }

    /// The unit of the calendar that moves a date or a time by this quantity (N1 §6.7); `None` where it does not, as
    /// `'a'` and `'mo'`, which are no years and months of a calendar.
    pub(crate) fn calendar_unit(&self) -> Option<CalendarUnit> {
        match &self.unit {
            Unit::Calendar(unit) => Some(*unit),
            Unit::Ucum(code) => match &**code {
                "wk" => Some(CalendarUnit::Week),
                "d" => Some(CalendarUnit::Day),
                "h" => Some(CalendarUnit::Hour),
                "min" => Some(CalendarUnit::Minute),
                "s" => Some(CalendarUnit::Second),
                "ms" => Some(CalendarUnit::Millisecond),
                word => CalendarUnit::from_word(word),
            },
        }
    }
}
