//! Products and quotients of units, as codes.

use std::fmt::Write as _;

use octofhir_ucum::{EvalResult, UnitExpr, evaluate, parse_expression};

use super::{MAX_CODE, decimal};
use crate::value::Decimal;

/// A power of a simple unit, such as `cm2`.
#[derive(Clone, Debug)]
struct Term {
    symbol: String,
    exponent: i32,
    unit: EvalResult,
}

/// A unit as simple units, and the number that multiplies it: `m/4.s` has one fourth. Nothing is divided before the
/// whole is known, so that only the last step can round.
#[derive(Clone, Debug)]
pub(crate) struct Factors {
    multiplier: Decimal,
    divisor: Decimal,
    terms: Vec<Term>,
}

impl Factors {
    /// `None` if the code is no unit, or one that does not multiply, like `Cel`.
    pub(crate) fn new(code: &str) -> Option<Self> {
        if code.len() > MAX_CODE {
            return None;
        }
        let tree = parse_expression(code).ok()?;
        // Checks every symbol and power.
        let unit = evaluate(&tree).ok()?;
        if unit.special.is_some() {
            return None;
        }
        decimal(unit.factor)?;
        let mut factors = Self {
            multiplier: Decimal::from_i64(1),
            divisor: Decimal::from_i64(1),
            terms: Vec::new(),
        };
        factors.collect(&tree, 1)?;
        Some(factors)
    }

    /// Adds a part of a tree, to the power of 1 or -1. Nests as deep as the library lets a tree be.
    fn collect(&mut self, tree: &UnitExpr, power: i32) -> Option<()> {
        match tree {
            UnitExpr::Symbol(symbol) => self.add(symbol, power),
            UnitExpr::Power(base, exponent) => match &**base {
                UnitExpr::Symbol(symbol) => self.add(symbol, exponent.checked_mul(power)?),
                _ => None,
            },
            UnitExpr::Numeric(number) => self.scale(&decimal(*number)?, power),
            UnitExpr::Annotation(_) => Some(()),
            UnitExpr::Annotated(inner, _) => self.collect(inner, power),
            UnitExpr::Product(parts) => parts.iter().try_for_each(|part| self.collect(part, power)),
            UnitExpr::Quotient(above, below) => {
                self.collect(above, power)?;
                self.collect(below, -power)
            }
            UnitExpr::Reciprocal(inner) => self.collect(inner, -power),
        }
    }

    /// Multiplies by a number to some power.
    fn scale(&mut self, number: &Decimal, power: i32) -> Option<()> {
        let side = if power < 0 {
            &mut self.divisor
        } else {
            &mut self.multiplier
        };
        *side = side.multiply(&number.power(power.unsigned_abs())?)?;
        Some(())
    }

    fn add(&mut self, symbol: &str, exponent: i32) -> Option<()> {
        self.merge(Term {
            symbol: symbol.to_owned(),
            exponent,
            unit: evaluate(&UnitExpr::Symbol(symbol.to_owned())).ok()?,
        })
    }

    /// Multiplies by a simple unit. Units of the same kind become the smaller one: `cm.m` is 100 `cm2`.
    fn merge(&mut self, mut new: Term) -> Option<()> {
        let same = self.terms.iter_mut().find(|term| {
            term.symbol == new.symbol
                || !term.unit.is_scalar() && term.unit.is_commensurable(&new.unit)
        });
        let Some(old) = same else {
            self.terms.push(new);
            return Some(());
        };
        if old.unit.factor > new.unit.factor {
            std::mem::swap(old, &mut new);
        }
        let (smaller, larger) = (old.unit.factor, new.unit.factor);
        old.exponent = old.exponent.checked_add(new.exponent)?;
        if smaller != larger {
            self.scale(&decimal(larger)?, new.exponent)?;
            self.scale(&decimal(smaller)?, new.exponent.checked_neg()?)?;
        }
        Some(())
    }

    /// Multiplies by another unit to the power of 1 or -1.
    pub(crate) fn times(mut self, other: Self, power: i32) -> Option<Self> {
        self.scale(&other.multiplier, power)?;
        self.scale(&other.divisor, -power)?;
        for mut term in other.terms {
            term.exponent = term.exponent.checked_mul(power)?;
            self.merge(term)?;
        }
        Some(self)
    }

    /// The number that multiplies the unit, as a fraction.
    pub(crate) fn fraction(&self) -> (&Decimal, &Decimal) {
        (&self.multiplier, &self.divisor)
    }

    /// `g.m/s2`; `1` without any unit; `None` if it is too long.
    pub(crate) fn code(&self) -> Option<String> {
        let mut code = String::new();
        for term in self.terms.iter().filter(|term| term.exponent > 0) {
            let dot = if code.is_empty() { "" } else { "." };
            write(&mut code, dot, term);
        }
        for term in self.terms.iter().filter(|term| term.exponent < 0) {
            write(&mut code, "/", term);
        }
        if code.is_empty() {
            code.push('1');
        }
        (code.len() <= MAX_CODE).then_some(code)
    }
}

fn write(code: &mut String, separator: &str, term: &Term) {
    code.push_str(separator);
    code.push_str(&term.symbol);
    let exponent = term.exponent.unsigned_abs();
    if exponent != 1 {
        // Writing to a String does not fail.
        let _ = write!(code, "{exponent}");
    }
}
