//! number and quantity: points and ranges of decimals, both ends included, with their unit.

use std::str::FromStr;

use anyhow::{Context, Result, bail};
use bigdecimal::BigDecimal;
use serde_json::{Map, Value};

use super::prefix::{self, Prefix};
use crate::criteria::{split, unescape};
use crate::path::{is_text, member};
use crate::truth::{Truth, all, any};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    prefix: Prefix,
    value: BigDecimal,
    /// As far as the last digit that is written says something.
    half: BigDecimal,
    unit: Option<Unit>,
}

#[derive(Debug, Clone)]
enum Unit {
    SystemAndCode(String, String),
    CodeOrUnit(String),
}

/// A stored range, open where an end is absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    low: Option<BigDecimal>,
    high: Option<BigDecimal>,
}

impl Range {
    fn point(value: BigDecimal) -> Self {
        Self {
            low: Some(value.clone()),
            high: Some(value),
        }
    }
}

/// A stored element that is there; its number may be unknown.
#[derive(Debug)]
pub struct Stored<'a> {
    range: Option<Range>,
    /// What must all have the unit; none where the datatype has no units; unknown where it cannot be found.
    units: Option<Vec<Bearer<'a>>>,
}

/// What has a unit.
#[derive(Debug)]
enum Bearer<'a> {
    Quantity(&'a Map<String, Value>),
    Money(&'a Map<String, Value>),
}

const CURRENCIES: &str = "urn:iso:std:iso:4217";

impl Asked {
    /// `number`, `number|system|code`, `number||code`
    pub fn parse(value: &str) -> Result<Self> {
        let parts = split(value, '|')
            .iter()
            .map(|part| unescape(part))
            .collect::<Result<Vec<_>>>()?;
        let (number, unit) = match parts.as_slice() {
            [number] => (number, None),
            [number, system, code] if system.is_empty() => {
                (number, Some(Unit::CodeOrUnit(code.clone())))
            }
            [number, system, code] => (
                number,
                Some(Unit::SystemAndCode(system.clone(), code.clone())),
            ),
            _ => bail!("no quantity: {value}"),
        };
        let (prefix, number) = prefix::split(number);
        let half = precision(number).with_context(|| format!("no number: {value}"))?;
        Ok(Self {
            prefix,
            value: read(number).with_context(|| format!("no number: {value}"))?,
            half,
            unit,
        })
    }

    pub fn fits(&self, stored: &Stored) -> Truth {
        let number = stored.range.as_ref().map(|range| self.fits_range(range));
        match &self.unit {
            None => number,
            // Another unit does not fit, whatever the number.
            Some(unit) => match fits_unit(unit, stored.units.as_deref())? {
                true => number,
                false => Some(false),
            },
        }
    }

    fn fits_range(&self, stored: &Range) -> bool {
        // An absent end is beyond everything.
        let low =
            |test: &dyn Fn(&BigDecimal) -> bool, absent| stored.low.as_ref().map_or(absent, test);
        let high =
            |test: &dyn Fn(&BigDecimal) -> bool, absent| stored.high.as_ref().map_or(absent, test);
        let point = &self.value;
        let within = |from: &BigDecimal, to: &BigDecimal| {
            low(&|low| from <= low, false) && high(&|high| high < to, false)
        };
        let contains = within(&(point - &self.half), &(point + &self.half));
        let is_point = low(&|low| low == point, false) && high(&|high| high == point, false);
        let beyond = high(&|high| high > point, true);
        let below = low(&|low| low < point, true);
        match self.prefix {
            Prefix::Eq => contains,
            Prefix::Ne => !contains,
            Prefix::Gt => beyond,
            Prefix::Lt => below,
            Prefix::Ge => beyond || is_point,
            Prefix::Le => below || is_point,
            Prefix::Sa => low(&|low| low > point, false),
            Prefix::Eb => high(&|high| high < point, false),
            Prefix::Ap => {
                let tenth = point.abs() / BigDecimal::from(10);
                low(&|low| *low <= point + &tenth, true)
                    && high(&|high| *high >= point - &tenth, true)
            }
        }
    }
}

/// Half of what the last digit stands for: 0.5 of `100`, 0.005 of `100.00`; 5 of `1e2`, whose mantissa counts as `1.0`.
fn precision(number: &str) -> Option<BigDecimal> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.parse::<i64>().ok()?)),
        None => (number, None),
    };
    let fraction = mantissa
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len());
    let fraction = i64::try_from(fraction).ok()?;
    let scale = match exponent {
        Some(exponent) => fraction.max(1) - exponent,
        None => fraction,
    };
    Some(BigDecimal::new(5.into(), scale + 1))
}

fn fits_unit(unit: &Unit, stored: Option<&[Bearer]>) -> Truth {
    all(stored?.iter().map(|bearer| match (bearer, unit) {
        (Bearer::Quantity(quantity), Unit::SystemAndCode(system, code)) => all([
            is_text(member(quantity, "system"), system),
            is_text(member(quantity, "code"), code),
        ]),
        (Bearer::Quantity(quantity), Unit::CodeOrUnit(code)) => any([
            is_text(member(quantity, "code"), code),
            is_text(member(quantity, "unit"), code),
        ]),
        (Bearer::Money(_), Unit::SystemAndCode(system, _)) if system != CURRENCIES => Some(false),
        (Bearer::Money(money), Unit::SystemAndCode(_, code) | Unit::CodeOrUnit(code)) => {
            is_text(member(money, "currency"), code)
        }
    }))
}

fn decimal(value: &Value) -> Option<BigDecimal> {
    match value {
        Value::Number(number) => read(number.as_str()),
        _ => None,
    }
}

/// A decimal as FHIR (and JSON) writes it: BigDecimal reads more than that.
fn read(text: &str) -> Option<BigDecimal> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let no_zeros = whole == "0" || !whole.starts_with('0');
    let good = digits(whole) && no_zeros && digits(fraction) && digits(exponent);
    good.then(|| BigDecimal::from_str(text).ok())?
}

/// What a stored element stands for, if it has a number.
pub fn stored<'a>(element: &'a Value, datatype: &str) -> Result<Option<Stored<'a>>> {
    if matches!(
        datatype,
        "decimal" | "integer" | "unsignedInt" | "positiveInt"
    ) {
        return Ok(Some(Stored {
            range: decimal(element).map(Range::point),
            units: Some(vec![]),
        }));
    }
    let Some(object) = element.as_object() else {
        return Ok(Some(UNKNOWN));
    };
    Ok(match datatype {
        "Quantity" | "Age" | "Duration" => member(object, "value").map(|value| Stored {
            range: decimal(value).and_then(|value| compared(object, value)),
            units: Some(vec![Bearer::Quantity(object)]),
        }),
        "Money" => member(object, "value").map(|value| Stored {
            range: decimal(value).map(Range::point),
            units: Some(vec![Bearer::Money(object)]),
        }),
        "Range" => range(object),
        "SampledData" => sampled(object),
        other => bail!("no number: {other}"),
    })
}

const UNKNOWN: Stored = Stored {
    range: None,
    units: None,
};

/// A Quantity's value with its comparator.
fn compared(quantity: &Map<String, Value>, value: BigDecimal) -> Option<Range> {
    let Some(comparator) = member(quantity, "comparator") else {
        return Some(Range::point(value));
    };
    let (low, high) = match comparator.as_str()? {
        "<" | "<=" => (None, Some(value)),
        ">" | ">=" => (Some(value), None),
        _ => return None,
    };
    Some(Range { low, high })
}

fn range(range: &Map<String, Value>) -> Option<Stored<'_>> {
    let mut units = Vec::new();
    let mut ends = [Some(None), Some(None)];
    for (end, name) in ends.iter_mut().zip(["low", "high"]) {
        let Some(bound) = member(range, name) else {
            continue;
        };
        let Some(bound) = bound.as_object() else {
            return Some(UNKNOWN);
        };
        let Some(value) = member(bound, "value") else {
            continue;
        };
        units.push(Bearer::Quantity(bound));
        *end = decimal(value).map(Some);
    }
    if units.is_empty() {
        return None;
    }
    let range = match ends {
        [Some(Some(low)), Some(Some(high))] if low > high => return Some(UNKNOWN),
        [Some(low), Some(high)] => Some(Range { low, high }),
        _ => None,
    };
    Some(Stored {
        range,
        units: Some(units),
    })
}

/// From the least to the greatest of `origin.value + factor × data`.
fn sampled(sampled: &Map<String, Value>) -> Option<Stored<'_>> {
    let data: Option<Vec<&str>> = member(sampled, "data")?.as_str().map(|data| {
        data.split_ascii_whitespace()
            .filter(|sample| *sample != "E")
            .collect()
    });
    if data.as_ref().is_some_and(Vec::is_empty) {
        return None;
    }
    let Some(origin) = member(sampled, "origin").and_then(Value::as_object) else {
        return Some(UNKNOWN);
    };
    Some(Stored {
        range: data.and_then(|data| samples(sampled, origin, &data)),
        units: Some(vec![Bearer::Quantity(origin)]),
    })
}

fn samples(
    sampled: &Map<String, Value>,
    origin: &Map<String, Value>,
    data: &[&str],
) -> Option<Range> {
    let origin = decimal(member(origin, "value")?)?;
    let factor = match member(sampled, "factor") {
        None => BigDecimal::from(1),
        Some(factor) => decimal(factor)?,
    };
    let mut values = Vec::new();
    for sample in data.iter().filter(|sample| !matches!(**sample, "L" | "U")) {
        values.push(&origin + &factor * read(sample)?);
    }
    let end = |open: &str, value: Option<&BigDecimal>| match value {
        Some(value) if !data.contains(&open) => Some(value.clone()),
        _ => None,
    };
    Some(Range {
        low: end("L", values.iter().min()),
        high: end("U", values.iter().max()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(value: &str, element: Value, datatype: &str) -> Option<Truth> {
        let stored = stored(&element, datatype).unwrap()?;
        Some(Asked::parse(value).unwrap().fits(&stored))
    }

    fn number(value: &str, stored: &str) -> bool {
        let stored = serde_json::from_str(stored).unwrap();
        holds(value, stored, "decimal").unwrap().unwrap()
    }

    #[test]
    fn examples_of_the_specification() {
        // 100: [99.5 … 100.5); 100.00: [99.995 … 100.005); 1e2: [95 … 105)
        assert!(number("100", "99.5") && number("100", "100.4999") && !number("100", "100.5"));
        assert!(number("100.00", "99.995") && !number("100.00", "100.005"));
        assert!(number("1e2", "95") && number("1e2", "104.9") && !number("1e2", "105"));
        assert!(number("1.0e2", "95") && number("1.00e2", "99.5") && !number("1.00e2", "99.4"));
        assert!(number("lt100", "99.9") && !number("lt100", "100"));
        assert!(number("le100", "100") && !number("le100", "100.1"));
        assert!(number("gt100", "100.1") && number("ge100", "100") && !number("ge100", "99.9"));
        assert!(number("ne100", "100.5") && !number("ne100", "99.5"));
        assert!(number("ap100", "90") && number("ap100", "110") && !number("ap100", "110.1"));
        assert!(number("ap-100", "-110") && !number("ap-100", "-89"));
        let quantity = json!({"value": 5.4, "system": "http://unitsofmeasure.org", "code": "mg", "unit": "mg"});
        for value in [
            "5.4|http://unitsofmeasure.org|mg",
            "5.40|http://unitsofmeasure.org|mg",
            "5.4||mg",
            "5.4",
        ] {
            assert_eq!(
                holds(value, quantity.clone(), "Quantity"),
                Some(Some(true)),
                "{value}"
            );
        }
        assert_eq!(
            holds("5.40e-3|http://unitsofmeasure.org|g", quantity, "Quantity"),
            Some(Some(false))
        );
    }

    #[test]
    fn comparators_and_ranges() {
        let less = json!({"value": 5, "comparator": "<"});
        assert_eq!(holds("lt3", less.clone(), "Quantity"), Some(Some(true)));
        assert_eq!(holds("5", less.clone(), "Quantity"), Some(Some(false)));
        assert_eq!(holds("sa5", less.clone(), "Quantity"), Some(Some(false)));
        assert_eq!(holds("eb6", less, "Quantity"), Some(Some(true)));
        let range = json!({"low": {"value": 3, "unit": "a"}, "high": {"unit": "b"}});
        assert_eq!(holds("gt100||a", range.clone(), "Range"), Some(Some(true)));
        assert_eq!(holds("gt100||b", range, "Range"), Some(Some(false)));
        assert_eq!(holds("1", json!({"low": {"unit": "a"}}), "Range"), None);
        assert_eq!(
            holds(
                "1",
                json!({"low": {"value": 2}, "high": {"value": 1}}),
                "Range"
            ),
            Some(None)
        );
        assert_eq!(
            holds("5", json!({"value": 5, "comparator": "~"}), "Quantity"),
            Some(None)
        );
        assert_eq!(holds("5", json!({"value": "5"}), "Quantity"), Some(None));
        assert_eq!(
            holds("6||kg", json!({"value": 5, "unit": 7}), "Quantity"),
            Some(None)
        );
        assert_eq!(
            holds("5||kg", json!({"value": "5", "unit": "g"}), "Quantity"),
            Some(Some(false))
        );
        assert_eq!(holds("5", json!({"unit": "g"}), "Quantity"), None);
    }

    #[test]
    fn money_and_samples() {
        let money = json!({"value": 12.5, "currency": "EUR"});
        assert_eq!(
            holds("12.5|urn:iso:std:iso:4217|EUR", money.clone(), "Money"),
            Some(Some(true))
        );
        assert_eq!(holds("12.5||EUR", money.clone(), "Money"), Some(Some(true)));
        assert_eq!(holds("12.5|x|EUR", money, "Money"), Some(Some(false)));
        let samples =
            json!({"origin": {"value": 10, "unit": "mV"}, "factor": 2, "data": "1 E -3 5"});
        assert_eq!(
            holds("12||mV", samples.clone(), "SampledData"),
            Some(Some(false))
        );
        assert_eq!(
            holds("ge20", samples.clone(), "SampledData"),
            Some(Some(false))
        );
        assert_eq!(
            holds("gt19.99", samples.clone(), "SampledData"),
            Some(Some(true))
        );
        assert_eq!(
            holds("sa3.99||mV", samples, "SampledData"),
            Some(Some(true))
        );
        let open = json!({"origin": {"value": 0}, "data": "1 L 2"});
        assert_eq!(
            holds("lt-100", open.clone(), "SampledData"),
            Some(Some(true))
        );
        assert_eq!(holds("gt2", open, "SampledData"), Some(Some(false)));
        assert_eq!(
            holds(
                "1",
                json!({"origin": {"value": 0}, "data": "E E"}),
                "SampledData"
            ),
            None
        );
        assert_eq!(
            holds(
                "1",
                json!({"origin": {"value": 0}, "data": "1 x"}),
                "SampledData"
            ),
            Some(None)
        );
    }

    #[test]
    fn what_is_no_number() {
        for text in [
            "", "-", "+5", ".5", "5.", "05", "1e", "1e+", "1_000", "0x1", "inf", "NaN", "1 ", "--1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("-0.5E+1"), Some(BigDecimal::from(-5)));
    }

    #[test]
    fn many_digits() {
        assert!(number(
            "gt1e300",
            "1.0000000000000000000000000000000000000000000000000001e300"
        ));
        assert!(!number("gt0", "0.00000") && number("gt0", "1e-300"));
    }
}
