//! Dates, numbers and quantities of elements as ranges, and values to ask for that are near them.

use bigdecimal::BigDecimal;
use chrono::NaiveDateTime;
use serde_json::Value;

use crate::asked::Asked;
use crate::support::ranges::{PREFIXES, Range, date, date_holds, number_holds, period};

/// The stretch of time of an element, if it has one.
fn span(datatype: &str, value: &Value) -> Option<Range<NaiveDateTime>> {
    let range = match datatype {
        "Period" => period(value["start"].as_str(), value["end"].as_str()),
        "Timing" => {
            let events = value["event"].as_array().into_iter().flatten();
            let mut ranges: Vec<_> = events.map(|event| date(event.as_str().unwrap())).collect();
            let bounds = &value["repeat"]["boundsPeriod"];
            ranges.extend(span("Period", bounds));
            let first = ranges.first()?.clone();
            let low = ranges.iter().map(|range| range.low).min().unwrap();
            let open = ranges.iter().any(|range| range.high.is_none());
            let high = ranges.iter().map(|range| range.high).max().unwrap();
            Range {
                low: low.or(first.low.filter(|_| low.is_some())),
                high: high.filter(|_| !open),
            }
        }
        _ => date(value.as_str()?),
    };
    (range.low.is_some() || range.high.is_some()).then_some(range)
}

fn number(value: &Value) -> Option<BigDecimal> {
    value
        .as_number()
        .map(|found| found.to_string().parse().unwrap())
}

/// The numbers of an element whose units are as asked.
fn interval(
    datatype: &str,
    value: &Value,
    fits: &dyn Fn(&str, &Value) -> bool,
) -> Option<Range<BigDecimal>> {
    let point = |value: &Value| {
        number(&value["value"]).map(|found| Range {
            low: Some(found.clone()),
            high: Some(found),
        })
    };
    match datatype {
        "Quantity" | "Age" | "Duration" | "Money" => {
            let mut range = point(value).filter(|_| fits(datatype, value))?;
            match value["comparator"].as_str() {
                Some("<" | "<=") => range.low = None,
                Some(">" | ">=") => range.high = None,
                _ => {}
            }
            Some(range)
        }
        "Range" => {
            let bound = |name: &str| number(&value[name]["value"]);
            let range = Range {
                low: bound("low"),
                high: bound("high"),
            };
            let mut there = ["low", "high"]
                .into_iter()
                .filter(|name| bound(name).is_some());
            let all = there.all(|name| fits(datatype, &value[name]));
            (all && (range.low.is_some() || range.high.is_some())).then_some(range)
        }
        "SampledData" => {
            let zero = number(&value["origin"]["value"])?;
            if !fits(datatype, &value["origin"]) {
                return None;
            }
            let factor = number(&value["factor"]).unwrap_or_else(|| 1.into());
            let data: Vec<&str> = value["data"].as_str()?.split_whitespace().collect();
            let points: Vec<BigDecimal> = data
                .iter()
                .filter_map(|item| item.parse::<BigDecimal>().ok())
                .map(|item| &zero + &factor * item)
                .collect();
            let range = Range {
                low: points
                    .iter()
                    .min()
                    .filter(|_| !data.contains(&"L"))
                    .cloned(),
                high: points
                    .iter()
                    .max()
                    .filter(|_| !data.contains(&"U"))
                    .cloned(),
            };
            (!points.is_empty() || data.contains(&"L") || data.contains(&"U")).then_some(range)
        }
        _ => number(value).map(|found| Range {
            low: Some(found.clone()),
            high: Some(found),
        }),
    }
}

/// System and code of a quantity.
fn coded(datatype: &str, value: &Value) -> Option<(String, String)> {
    if datatype == "Money" {
        let currency = value["currency"].as_str()?;
        return Some(("urn:iso:std:iso:4217".to_owned(), currency.to_owned()));
    }
    let system = value["system"].as_str()?;
    Some((system.to_owned(), value["code"].as_str()?.to_owned()))
}

/// The unit as people write it, or its code.
fn named(datatype: &str, value: &Value, name: &str) -> bool {
    match datatype {
        "Money" => value["currency"] == name,
        _ => value["code"] == name || value["unit"] == name,
    }
}

/// What is asked of the unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    Any,
    Named(String),
    Coded(String, String),
}

pub fn date_fits(prefix: &str, text: &str, datatype: &str, value: &Value) -> bool {
    span(datatype, value).is_some_and(|found| date_holds(prefix, text, &found))
}

pub fn number_fits(prefix: &str, text: &str, unit: &Unit, datatype: &str, value: &Value) -> bool {
    let fits = |datatype: &str, value: &Value| match unit {
        Unit::Any => true,
        Unit::Named(name) => named(datatype, value, name),
        Unit::Coded(system, code) => coded(datatype, value) == Some((system.clone(), code.clone())),
    };
    interval(datatype, value, &fits).is_some_and(|found| number_holds(prefix, text, &found))
}

/// Every string and number below a value.
fn leaves<'a>(value: &'a Value, into: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, into)),
        Value::Object(members) => members.values().for_each(|item| leaves(item, into)),
        value => into.push(value),
    }
}

/// The dates of an element, as they are and less precise, with changing prefixes.
pub fn dates(value: &Value) -> Vec<Asked> {
    let mut found = Vec::new();
    leaves(value, &mut found);
    let texts = found.into_iter().filter_map(Value::as_str);
    let texts = texts.filter(|text| text.starts_with(['1', '2']) && text.get(4..5) != Some("0"));
    let mut asked = Vec::new();
    for text in texts {
        for (at, length) in [4, 7, 10, 16, text.len()].into_iter().enumerate() {
            if let Some(part) = text.get(..length) {
                let prefix = PREFIXES[(at * 3 + text.len() + asked.len()) % PREFIXES.len()];
                asked.push(Asked::Date(prefix, part.to_owned()));
            }
        }
    }
    asked
}

/// The numbers of an element, as they are and one more, with changing prefixes and units.
pub fn numbers(datatype: &str, value: &Value) -> Vec<Asked> {
    let mut found = Vec::new();
    leaves(value, &mut found);
    let mut units = vec![Unit::Any];
    for quantity in [value, &value["low"], &value["high"], &value["origin"]] {
        units.extend(coded(datatype, quantity).map(|(system, code)| Unit::Coded(system, code)));
        let names = ["unit", "code", "currency"].map(|name| quantity[name].as_str());
        units.extend(
            names
                .into_iter()
                .flatten()
                .map(|name| Unit::Named(name.to_owned())),
        );
    }
    let is_number = matches!(
        datatype,
        "integer" | "decimal" | "unsignedInt" | "positiveInt"
    );
    if is_number {
        units.truncate(1);
    }
    let mut asked = Vec::new();
    // serde_json reads longer ones as the nearest floating point number.
    let short = |number: &BigDecimal| number.digits() <= 12;
    for number in found.into_iter().filter_map(number).filter(short) {
        for other in [number.clone(), &number + BigDecimal::from(1)] {
            let at = asked.len() + other.digits() as usize;
            let unit = units[at % units.len()].clone();
            let prefix = PREFIXES[(at * 3) % PREFIXES.len()];
            asked.push(Asked::Number(prefix, other.to_plain_string(), unit));
        }
    }
    asked
}
