//! Equality, equivalence and order of quantities (N1 §6.1, §6.2).

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU64;

use bigdecimal::RoundingMode;

use super::Quantity;
use crate::literal::{CalendarUnit, Unit};
use crate::value::Decimal;
use crate::value::ucum::{self, Scale};

/// Digits that count after a conversion: factors have 28, and some are approximations.
const TRUSTED_DIGITS: NonZeroU64 = NonZeroU64::new(24).unwrap();

/// Two numbers in a common unit.
pub(super) struct Common {
    pub(super) left: Scale,
    pub(super) right: Scale,
}

/// How strictly durations of the calendar and of UCUM are kept apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// A calendar year or month compares with no UCUM unit.
    Equal,
    /// A calendar year is `'a'`, a month `'mo'`.
    Equivalent,
}

impl Quantity {
    /// `=`; `None` where the units do not convert into each other.
    pub(crate) fn equal(&self, other: &Self) -> Option<bool> {
        self.compare(other).map(Ordering::is_eq)
    }

    /// Order; `None` where the units do not convert into each other. Equal units compare exactly, whether they exist or
    /// not; others to 24 significant digits.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        if self.unit == other.unit {
            return Some(self.value.cmp(&other.value));
        }
        let common = common(&self.unit, &other.unit, Mode::Equal)?;
        let left = common.left.base(&self.value)?;
        let right = common.right.base(&other.value)?;
        Some(trusted(&left).cmp(&trusted(&right)))
    }

    /// Whether [`equal`](Self::equal) and [`compare`](Self::compare) have an answer (`comparable()`).
    pub(crate) fn is_comparable(&self, other: &Self) -> bool {
        self.compare(other).is_some()
    }

    /// `~`: the same after rounding to the precision of the less precise one, which is what the last digit other than a
    /// zero after the point says.
    pub(crate) fn equivalent(&self, other: &Self) -> bool {
        self.try_equivalent(other).unwrap_or(false)
    }

    fn try_equivalent(&self, other: &Self) -> Option<bool> {
        if self.unit == other.unit {
            return Some(self.value.equivalent(&other.value));
        }
        let common = common(&self.unit, &other.unit, Mode::Equivalent)?;
        let step = |value: &Decimal, scale: &Scale| {
            Decimal::from_parts(1, value.normalized().scale())?.multiply(&scale.factor)
        };
        let step = step(&self.value, &common.left)?.max(step(&other.value, &common.right)?);
        let steps = |value: &Decimal, scale: &Scale| {
            let steps = trusted(&scale.base(value)?).divide(&step)?;
            trusted(&steps).round(0, RoundingMode::HalfUp)
        };
        Some(steps(&self.value, &common.left)? == steps(&other.value, &common.right)?)
    }

    /// Feeds what all equal quantities have in common, numbers being quantities of `'1'`.
    pub(crate) fn hash_bucket(&self, state: &mut impl Hasher) {
        let Unit::Ucum(code) = &self.unit else {
            // Any may equal any other: a year has 365 days and 12 months, a month 30 days.
            return "time".hash(state);
        };
        if &**code == "1" {
            return self.value.hash_bucket(state);
        }
        let base = ucum::measure(code).and_then(|unit| {
            let base = unit.scale?.base(&self.value)?;
            Some((unit.dimension, unit.arbitrary, base))
        });
        match base {
            Some((dimension, arbitrary, base)) => {
                if arbitrary.is_empty() && dimension.is_dimensionless() {
                    base.hash_bucket(state);
                } else if arbitrary.is_empty() && dimension == TIME {
                    "time".hash(state);
                } else {
                    (dimension, arbitrary).hash(state);
                    base.hash_bucket(state);
                }
            }
            // Equals itself only.
            None => {
                code.hash(state);
                self.value.hash_bucket(state);
            }
        }
    }
}

/// The dimension of a second.
const TIME: octofhir_ucum::Dimension = octofhir_ucum::Dimension([0, 1, 0, 0, 0, 0, 0]);

impl Decimal {
    /// `~`: the same after rounding to the decimals of the operand that has less, zeros at the end not counting.
    pub(crate) fn equivalent(&self, other: &Self) -> bool {
        let decimals = self.normalized().scale().min(other.normalized().scale());
        let rounded = |value: &Self| value.round(decimals, RoundingMode::HalfUp);
        rounded(self) == rounded(other)
    }

    /// Feeds what all equal numbers have in common, also as quantities in different units.
    pub(crate) fn hash_bucket(&self, state: &mut impl Hasher) {
        trusted(self).hash(state);
    }
}

/// The number without the digits that a conversion may spoil.
pub(super) fn trusted(value: &Decimal) -> Decimal {
    value.to_significant(TRUSTED_DIGITS)
}

/// What brings both units to a common one; `None` where nothing does.
pub(super) fn common(left: &Unit, right: &Unit, mode: Mode) -> Option<Common> {
    let (long_left, long_right) = (months(left), months(right));
    if let (Some(left), Some(right)) = (long_left, long_right) {
        return Some(Common {
            left: Scale::times(left.into()),
            right: Scale::times(right.into()),
        });
    }
    if long_left.is_none() && long_right.is_none() {
        return by_ucum(ucum_code(left), ucum_code(right));
    }
    match (left, right, mode) {
        (Unit::Calendar(left), Unit::Calendar(right), _) => Some(Common {
            left: Scale::times(seconds(*left)),
            right: Scale::times(seconds(*right)),
        }),
        (.., Mode::Equal) => None,
        (.., Mode::Equivalent) => by_ucum(ucum_code(left), ucum_code(right)),
    }
}

fn by_ucum(left: &str, right: &str) -> Option<Common> {
    let (left, right) = (ucum::measure(left)?, ucum::measure(right)?);
    if left.dimension != right.dimension || left.arbitrary != right.arbitrary {
        return None;
    }
    Some(Common {
        left: left.scale?,
        right: right.scale?,
    })
}

/// How many months a calendar year or month has.
fn months(unit: &Unit) -> Option<i64> {
    match unit {
        Unit::Calendar(CalendarUnit::Year) => Some(12),
        Unit::Calendar(CalendarUnit::Month) => Some(1),
        _ => None,
    }
}

/// How long a calendar unit is where no date says it: a year has 365 days, a month 30.
fn seconds(unit: CalendarUnit) -> Decimal {
    const DAY: i64 = 86_400;
    match unit {
        CalendarUnit::Year => (365 * DAY).into(),
        CalendarUnit::Month => (30 * DAY).into(),
        CalendarUnit::Week => (7 * DAY).into(),
        CalendarUnit::Day => DAY.into(),
        CalendarUnit::Hour => 3_600.into(),
        CalendarUnit::Minute => 60.into(),
        CalendarUnit::Second => 1.into(),
        CalendarUnit::Millisecond => Decimal::from_small(1, 3),
    }
}

/// The UCUM code of a unit, or of the one that a calendar unit is equivalent to, and equal to below the month.
pub(super) fn ucum_code(unit: &Unit) -> &str {
    match unit {
        Unit::Ucum(code) => code,
        Unit::Calendar(CalendarUnit::Year) => "a",
        Unit::Calendar(CalendarUnit::Month) => "mo",
        Unit::Calendar(CalendarUnit::Week) => "wk",
        Unit::Calendar(CalendarUnit::Day) => "d",
        Unit::Calendar(CalendarUnit::Hour) => "h",
        Unit::Calendar(CalendarUnit::Minute) => "min",
        Unit::Calendar(CalendarUnit::Second) => "s",
        Unit::Calendar(CalendarUnit::Millisecond) => "ms",
    }
}
