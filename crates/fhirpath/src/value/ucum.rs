//! Units of measure, by the Unified Code for Units of Measure.
//!
//! Codes come from documents: their length, the depth of their tree (by the library) and the size of their factor are
//! bounded, and what exceeds a bound is no unit.

mod product;

use octofhir_ucum::{Dimension, EvalResult, Number, SpecialKind, evaluate, parse_expression};

use super::Decimal;

pub(crate) use product::Factors;

/// Longest code, in bytes. Real ones have some twenty.
pub(crate) const MAX_CODE: usize = 256;

/// Powers of ten that a unit may be away from the base units.
const MAX_EXPONENT: u32 = 300;

/// What a unit measures, and how much of it.
#[derive(Clone, Debug)]
pub(crate) struct Measure {
    /// Powers of metre, second, gram, radian, kelvin, coulomb and candela.
    pub(crate) dimension: Dimension,
    /// Powers of units that are defined by a procedure and convert to no other, like `[iU]`.
    pub(crate) arbitrary: Vec<(&'static str, i32)>,
    /// `None` for a logarithmic or otherwise curved scale, which compares with itself only.
    pub(crate) scale: Option<Scale>,
}

/// How a number of units becomes one of base units: `(number + shift) × factor`.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    pub(crate) factor: Decimal,
    pub(crate) shift: Decimal,
}

impl Scale {
    /// Multiplies only.
    pub(crate) fn times(factor: Decimal) -> Self {
        Self {
            factor,
            shift: Decimal::from_i64(0),
        }
    }

    /// A number of units in base units; `None` beyond the limit for numbers.
    pub(crate) fn base(&self, value: &Decimal) -> Option<Decimal> {
        value.add(&self.shift)?.multiply(&self.factor)
    }
}

/// The unit with this code; `None` if there is none.
pub(crate) fn measure(code: &str) -> Option<Measure> {
    if code.len() > MAX_CODE {
        return None;
    }
    let unit = evaluate(&parse_expression(code).ok()?).ok()?;
    let scale = scale(&unit)?;
    Some(Measure {
        dimension: unit.dim,
        arbitrary: unit.arbitrary,
        scale,
    })
}

/// `None` beyond the bounds, `Some(None)` for a curved scale.
fn scale(unit: &EvalResult) -> Option<Option<Scale>> {
    let factor = decimal(unit.factor)?;
    let Some(special) = &unit.special else {
        return Some(Some(Scale::times(factor)));
    };
    let zero = match special.unit.special {
        SpecialKind::Celsius => Decimal::from_small(27_315, 2),
        SpecialKind::Fahrenheit => Decimal::from_small(45_967, 2),
        SpecialKind::Reaumur => Decimal::from_small(21_852, 2),
        _ => return Some(None),
    };
    // (own × number + zero) × factor
    let own = decimal(special.scale)?;
    Some(Some(Scale {
        shift: zero.divide(&own)?,
        factor: own.multiply(&factor)?,
    }))
}

/// The number; `None` beyond the bounds, and for 0. The library keeps 28 digits of it.
fn decimal(number: Number) -> Option<Decimal> {
    let (digits, exponent) = number.to_integer_and_exponent();
    if digits == 0 || exponent.unsigned_abs() > MAX_EXPONENT {
        return None;
    }
    let digits = Decimal::from_parts(digits, 0)?;
    if exponent < 0 {
        return digits.shifted(exponent.unsigned_abs());
    }
    digits.multiply(&Decimal::from_i64(10).power(exponent.unsigned_abs())?)
}
