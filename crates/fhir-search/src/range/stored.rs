//! The ranges that stored elements stand for. Each is three-valued: outside `None` is unknown, inside it is no element.

use bigdecimal::BigDecimal;
use jsonb::{Decimal, Number, Value};

use super::{Span, Unit, Written, decimal};
use crate::path::Leaf;
use crate::progress::tick;
use crate::test::{and, items, member};

/// The system of currencies.
const CURRENCIES: &str = "urn:iso:std:iso:4217";

/// The stretch of time of an element.
pub fn span(leaf: Leaf, value: Value<'_>) -> Option<Option<Span>> {
    match leaf {
        Leaf::Period => period(value),
        Leaf::Timing => timing(value),
        _ => Span::parse(value.as_str()?).map(Some),
    }
}

fn period(value: Value<'_>) -> Option<Option<Span>> {
    let read = |name| match member(value, name)? {
        Some(text) => Span::parse(text).map(Some),
        None => Some(None),
    };
    let (start, end) = (read("start")?, read("end")?);
    if start.is_none() && end.is_none() {
        return Some(None);
    }
    let span = Span {
        start: start.map_or(i64::MIN, |start| start.start),
        end: end.map_or(i64::MAX, |end| end.end),
    };
    (span.start < span.end).then_some(Some(span))
}

/// The outer limits: of the events and of the bounds.
fn timing(value: Value<'_>) -> Option<Option<Span>> {
    let mut limits: Option<Span> = None;
    let mut add = |found: Span| {
        limits = Some(limits.map_or(found, |limits| Span {
            start: limits.start.min(found.start),
            end: limits.end.max(found.end),
        }));
    };
    for event in items(value, "event")? {
        tick();
        match event {
            Value::Null => {}
            event => add(Span::parse(event.as_str()?)?),
        }
    }
    if let Some(repeat) = object(value, "repeat")?
        && let Some(bounds) = object(repeat, "boundsPeriod")?
        && let Some(found) = period(bounds)?
    {
        add(found);
    }
    Some(limits)
}

/// A range of numbers, both ends included.
#[derive(Debug)]
pub struct Interval<'a> {
    low: Edge<'a>,
    high: Edge<'a>,
}

#[derive(Debug)]
enum Edge<'a> {
    Open,
    Stored(Number<'a>),
    Computed(Decimal),
}

impl Edge<'_> {
    fn number(&self) -> Option<Number<'_>> {
        match self {
            Edge::Open => None,
            Edge::Stored(number) => Some(*number),
            Edge::Computed(number) => Some(number.as_number()),
        }
    }
}

impl Interval<'_> {
    /// The least number; `None` where it is open.
    pub fn low(&self) -> Option<Number<'_>> {
        self.low.number()
    }

    /// The greatest number; `None` where it is open.
    pub fn high(&self) -> Option<Number<'_>> {
        self.high.number()
    }

    fn point(number: Number<'_>) -> Interval<'_> {
        Interval {
            low: Edge::Stored(number),
            high: Edge::Stored(number),
        }
    }
}

/// What is asked of units while the numbers of an element are read.
pub trait Units {
    /// Whether a Quantity has the right unit: `None` where that cannot be known.
    fn fits(&mut self, unit: Stored<'_>) -> Option<bool>;
}

/// The unit of a stored element.
#[derive(Debug, Clone, Copy)]
pub enum Stored<'a> {
    /// A number without unit.
    None,
    /// A Quantity.
    Quantity(Value<'a>),
    /// A Money.
    Money(Value<'a>),
}

impl<'a> Stored<'a> {
    /// The system: `None` when it is wrongly typed.
    pub fn system(self) -> Option<Option<&'a str>> {
        match self {
            Stored::None => Some(None),
            Stored::Quantity(value) => member(value, "system"),
            Stored::Money(value) => Some(member(value, "currency")?.map(|_| CURRENCIES)),
        }
    }

    /// The code, likewise.
    pub fn code(self) -> Option<Option<&'a str>> {
        match self {
            Stored::None => Some(None),
            Stored::Quantity(value) => member(value, "code"),
            Stored::Money(value) => member(value, "currency"),
        }
    }
}

impl Units for &Unit {
    fn fits(&mut self, stored: Stored<'_>) -> Option<bool> {
        match self {
            Unit::Any => Some(true),
            Unit::Coded { system, code } => {
                let is = |found: Option<Option<&str>>, asked: &str| {
                    found.map(|found| found == Some(asked))
                };
                and(is(stored.system(), system), is(stored.code(), code))
            }
            Unit::Named(code) => {
                let is = |found: Option<Option<&str>>| found.map(|found| found == Some(code));
                let by_code = is(stored.code());
                let by_name = is(match stored {
                    Stored::Quantity(value) => member(value, "unit"),
                    _ => Some(None),
                });
                match (by_code, by_name) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                }
            }
        }
    }
}

/// The range of numbers of an element whose units fit. An element with another unit is none.
pub fn interval<'a>(
    leaf: Leaf,
    value: Value<'a>,
    units: &mut impl Units,
) -> Option<Option<Interval<'a>>> {
    match leaf {
        Leaf::Number => match value {
            Value::Number(number) => {
                Some(units.fits(Stored::None)?.then(|| Interval::point(number)))
            }
            _ => None,
        },
        Leaf::Quantity | Leaf::Age | Leaf::Duration => quantity(value, units),
        Leaf::Money => {
            value.as_object()?;
            if !units.fits(Stored::Money(value))? {
                return Some(None);
            }
            Some(number(value, "value")?.map(Interval::point))
        }
        Leaf::Range => range(value, units),
        Leaf::SampledData => sampled(value, units),
        _ => None,
    }
}

fn quantity<'a>(value: Value<'a>, units: &mut impl Units) -> Option<Option<Interval<'a>>> {
    value.as_object()?;
    if !units.fits(Stored::Quantity(value))? {
        return Some(None);
    }
    let Some(number) = number(value, "value")? else {
        return Some(None);
    };
    let point = Interval::point(number);
    Some(Some(match member(value, "comparator")? {
        None => point,
        Some("<" | "<=") => Interval {
            low: Edge::Open,
            ..point
        },
        Some(">" | ">=") => Interval {
            high: Edge::Open,
            ..point
        },
        Some(_) => return None,
    }))
}

fn range<'a>(value: Value<'a>, units: &mut impl Units) -> Option<Option<Interval<'a>>> {
    let mut bound = |name| -> Option<Option<(Number<'a>, bool)>> {
        let Some(bound) = object(value, name)? else {
            return Some(None);
        };
        let Some(number) = number(bound, "value")? else {
            return Some(None);
        };
        Some(Some((number, units.fits(Stored::Quantity(bound))?)))
    };
    let (low, high) = (bound("low")?, bound("high")?);
    if low.is_none() && high.is_none() {
        return Some(None);
    }
    if let (Some((low, _)), Some((high, _))) = (low, high)
        && low.compare(&high).is_gt()
    {
        return None;
    }
    let fits = |bound: Option<(Number<'a>, bool)>| bound.is_none_or(|(_, fits)| fits);
    let edge = |bound: Option<(Number<'a>, bool)>| {
        bound.map_or(Edge::Open, |(number, _)| Edge::Stored(number))
    };
    Some((fits(low) && fits(high)).then(|| Interval {
        low: edge(low),
        high: edge(high),
    }))
}

/// From the least to the greatest of `origin.value + factor × data`.
fn sampled<'a>(value: Value<'a>, units: &mut impl Units) -> Option<Option<Interval<'a>>> {
    let Some(origin) = object(value, "origin")? else {
        value.as_object()?;
        return if member(value, "data")?.is_none() {
            Some(None)
        } else {
            None
        };
    };
    if !units.fits(Stored::Quantity(origin))? {
        return Some(None);
    }
    let Some(data) = member(value, "data")? else {
        return Some(None);
    };
    // A number of more digits than criteria may have is unknown: the work is bounded.
    let exact = |number: Number<'_>| {
        Written::parse(&number.to_decimal()).map(|written| written.value().clone())
    };
    let zero = exact(number(origin, "value")??)?;
    let factor = match number(value, "factor")? {
        Some(factor) => exact(factor)?,
        None => BigDecimal::from(1),
    };
    let (mut below, mut above) = (false, false);
    // The least and the greatest of the data give the ends, whatever the factor's sign.
    let mut data_ends: Option<(BigDecimal, BigDecimal)> = None;
    for item in data.split_ascii_whitespace() {
        tick();
        match item {
            "E" => {}
            "L" => below = true,
            "U" => above = true,
            item => {
                let point = Written::parse(item)?.value().clone();
                data_ends = Some(match data_ends {
                    None => (point.clone(), point),
                    Some((low, high)) if point < low => (point, high),
                    Some((low, high)) if point > high => (low, point),
                    Some(ends) => ends,
                });
            }
        }
    }
    let ends = data_ends.map(|(least, greatest)| {
        let (one, other) = (&zero + &factor * least, &zero + &factor * greatest);
        if one <= other {
            (one, other)
        } else {
            (other, one)
        }
    });
    if ends.is_none() && !below && !above {
        return Some(None);
    }
    let (low, high) = match &ends {
        Some((low, high)) => (Some(low), Some(high)),
        None => (None, None),
    };
    let edge = |open: bool, end: Option<&BigDecimal>| match end {
        Some(end) if !open => decimal::to_numeric(end).map(Edge::Computed),
        _ => Some(Edge::Open),
    };
    Some(Some(Interval {
        low: edge(below, low)?,
        high: edge(above, high)?,
    }))
}

/// An object member: `Some(None)` when it is absent, `None` when it is wrongly typed.
fn object<'a>(value: Value<'a>, name: &str) -> Option<Option<Value<'a>>> {
    match value.as_object()?.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(found @ Value::Object(_)) => Some(Some(found)),
        Some(_) => None,
    }
}

/// A number member, likewise.
fn number<'a>(value: Value<'a>, name: &str) -> Option<Option<Number<'a>>> {
    match value.as_object()?.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::Number(number)) => Some(Some(number)),
        Some(_) => None,
    }
}
