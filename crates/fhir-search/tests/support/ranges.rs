//! Slow, obvious ranges of time and of numbers, and how prefixes compare them: the table of docs/criteria.md again.

use bigdecimal::BigDecimal;
use chrono::{DateTime, Months, NaiveDate, NaiveDateTime, TimeDelta};

pub const PREFIXES: [&str; 10] = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

/// A range; `None` is open.
#[derive(Debug, Clone, PartialEq)]
pub struct Range<T> {
    pub low: Option<T>,
    pub high: Option<T>,
}

/// A well-formed FHIR date, from its first moment to the one after its last.
pub fn date(text: &str) -> Range<NaiveDateTime> {
    let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap();
    let months = |start: NaiveDate, count| start.checked_add_months(Months::new(count)).unwrap();
    let midnight = |day: NaiveDate| day.and_hms_opt(0, 0, 0).unwrap();
    let (start, end) = match text.len() {
        4 => {
            let start = day(&format!("{text}-01-01"));
            (midnight(start), midnight(months(start, 12)))
        }
        7 => {
            let start = day(&format!("{text}-01"));
            (midnight(start), midnight(months(start, 1)))
        }
        10 => {
            let start = day(text);
            (midnight(start), midnight(start.succ_opt().unwrap()))
        }
        _ => {
            let (day, time) = text.split_once('T').unwrap();
            let (clock, zone) = match time.find(['Z', '+', '-']) {
                Some(at) => time.split_at(at),
                None => (time, "Z"),
            };
            let length = match clock.split_once('.') {
                Some((_, fraction)) => {
                    let digits = u32::try_from(fraction.len()).unwrap();
                    TimeDelta::nanoseconds(10_i64.pow(9 - digits))
                }
                None if clock.len() == 5 => TimeDelta::minutes(1),
                None => TimeDelta::seconds(1),
            };
            let seconds = if clock.len() == 5 { ":00" } else { "" };
            let start = DateTime::parse_from_rfc3339(&format!("{day}T{clock}{seconds}{zone}"));
            let start = start.unwrap_or_else(|error| panic!("{text}: {error}"));
            let start = start.naive_utc();
            (start, start + length)
        }
    };
    Range {
        low: Some(start),
        high: Some(end),
    }
}

/// A Period with one end or both.
pub fn period(start: Option<&str>, end: Option<&str>) -> Range<NaiveDateTime> {
    Range {
        low: start.and_then(|start| date(start).low),
        high: end.and_then(|end| date(end).high),
    }
}

/// Whether a stored range of time is what `prefix` and a date ask for.
pub fn date_holds(prefix: &str, asked: &str, stored: &Range<NaiveDateTime>) -> bool {
    let asked = date(asked);
    let (start, end) = (asked.low.unwrap(), asked.high.unwrap());
    let from = |limit: NaiveDateTime| stored.low.is_some_and(|low| low >= limit);
    let until = |limit: NaiveDateTime| stored.high.is_some_and(|high| high <= limit);
    let contains = from(start) && until(end);
    match prefix {
        "" | "eq" => contains,
        "ne" => !contains,
        "gt" => !until(end),
        "lt" => !from(start),
        "ge" => !until(end) || contains,
        "le" => !from(start) || contains,
        "sa" => from(end),
        "eb" => until(start),
        "ap" => !from(end) && !until(start),
        _ => panic!("{prefix}"),
    }
}

fn power(places: i64) -> BigDecimal {
    BigDecimal::new(1.into(), places)
}

/// Whether a stored range of numbers, both ends included, is what `prefix` and a number ask for.
pub fn number_holds(prefix: &str, asked: &str, stored: &Range<BigDecimal>) -> bool {
    let value: BigDecimal = asked.parse().unwrap();
    let (mantissa, exponent) = asked.split_once(['e', 'E']).unwrap_or((asked, ""));
    let decimals = mantissa.split_once('.').map_or(0, |(_, part)| part.len());
    let decimals = match exponent {
        "" => i64::try_from(decimals).unwrap(),
        exponent => i64::try_from(decimals.max(1)).unwrap() - exponent.parse::<i64>().unwrap(),
    };
    let half = power(decimals) / BigDecimal::from(2);
    let tenth = value.abs() / BigDecimal::from(10);
    let least = |limit: &BigDecimal| stored.low.as_ref().is_some_and(|low| low >= limit);
    let most = |limit: &BigDecimal| stored.high.as_ref().is_some_and(|high| high <= limit);
    let above = |limit: &BigDecimal| stored.low.as_ref().is_some_and(|low| low > limit);
    let below = |limit: &BigDecimal| stored.high.as_ref().is_some_and(|high| high < limit);
    let is = least(&value) && most(&value);
    let rounds = least(&(&value - &half)) && below(&(&value + &half));
    match prefix {
        "" | "eq" => rounds,
        "ne" => !rounds,
        "gt" => !most(&value),
        "lt" => !least(&value),
        "ge" => !most(&value) || is,
        "le" => !least(&value) || is,
        "sa" => above(&value),
        "eb" => below(&value),
        "ap" => !above(&(&value + &tenth)) && !below(&(&value - &tenth)),
        _ => panic!("{prefix}"),
    }
}
