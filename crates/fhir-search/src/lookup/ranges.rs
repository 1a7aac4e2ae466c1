//! Comparisons of keys for one value of a date, number or quantity parameter.

use super::Key::{Earliest, Highest, Latest, Lowest};
use super::Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
use super::{Comparison, Comparisons, Condition, Key, KeyValue, Lookup, Operator};
use crate::keys::{MOST_KEY_BYTES, Paths};
use crate::range::{Amount, Moment, Prefix, Unit};

/// The alternatives for one value, and whether they decide; `None` where no index can answer.
type Answer = Option<(Vec<Comparisons>, bool)>;

/// The condition that one of the values' comparisons holds.
pub fn lookup(paths: &Paths, values: impl Iterator<Item = Answer>) -> Option<Lookup> {
    let mut alternatives = Vec::new();
    let mut decides = true;
    for value in values {
        let (comparisons, decided) = value?;
        alternatives.extend(comparisons);
        decides &= decided;
    }
    (!alternatives.is_empty()).then(|| Lookup {
        condition: Condition::Compare(paths.clone(), alternatives),
        decides,
        regular_only: false,
    })
}

fn all<const N: usize>(
    columns: [Key; 2],
    comparisons: [(Key, Operator, &KeyValue); N],
) -> Comparisons {
    Comparisons {
        all: comparisons
            .map(|(key, operator, with)| Comparison {
                key,
                operator,
                with: with.clone(),
            })
            .into(),
        columns: columns.into(),
    }
}

/// What is written as a year, the longest that is no Period, is not longer.
const LONGEST_POINT: i64 = 366 * 86_400_000_000;

/// For a date. What follows from other comparisons is left out: the planner takes them for independent, and would expect too
/// few rows. With several elements the earliest start and the latest end may belong to different ones: then some conditions
/// only narrow. Of single `points`, which are at most a year, the end is not far from the start: one index answers all.
pub fn time(asked: &Moment, single: bool, points: bool) -> Answer {
    let start = &KeyValue::Time(asked.span.start);
    let end = &KeyValue::Time(asked.span.end);
    let (by_start, by_end) = ([Earliest, Latest], [Latest, Earliest]);
    let before_end = &KeyValue::Time(asked.span.end.saturating_sub(LONGEST_POINT));
    Some(match (asked.prefix, single) {
        (Prefix::Ne, _) => return None,
        (Prefix::Gt, true) if points => {
            let beyond = [
                (Earliest, GreaterOrEqual, before_end),
                (Latest, Greater, end),
            ];
            (vec![all(by_start, beyond)], true)
        }
        (Prefix::Ge, true) if points => {
            let beyond = [
                (Earliest, GreaterOrEqual, before_end),
                (Latest, Greater, end),
            ];
            let inside = [
                (Earliest, GreaterOrEqual, start),
                (Earliest, Less, end),
                (Latest, LessOrEqual, end),
            ];
            (vec![all(by_start, beyond), all(by_start, inside)], true)
        }
        (Prefix::Eb, true) if points => {
            let before = [(Earliest, Less, start), (Latest, LessOrEqual, start)];
            (vec![all(by_start, before)], true)
        }
        (Prefix::Gt, _) => (vec![all(by_end, [(Latest, Greater, end)])], true),
        (Prefix::Lt, _) => (vec![all(by_start, [(Earliest, Less, start)])], true),
        (Prefix::Eq, true) => {
            let inside = [
                (Earliest, GreaterOrEqual, start),
                (Earliest, Less, end),
                (Latest, LessOrEqual, end),
            ];
            (vec![all(by_start, inside)], true)
        }
        (Prefix::Ge, true) => {
            let inside = [
                (Latest, Greater, start),
                (Latest, LessOrEqual, end),
                (Earliest, GreaterOrEqual, start),
            ];
            let beyond = [(Latest, Greater, end)];
            (vec![all(by_end, beyond), all(by_end, inside)], true)
        }
        (Prefix::Le, true) => {
            let inside = [
                (Earliest, Less, end),
                (Earliest, GreaterOrEqual, start),
                (Latest, LessOrEqual, end),
            ];
            let before = [(Earliest, Less, start)];
            (vec![all(by_start, before), all(by_start, inside)], true)
        }
        (Prefix::Sa, true) => (vec![all(by_start, [(Earliest, GreaterOrEqual, end)])], true),
        (Prefix::Eb, true) => (vec![all(by_end, [(Latest, LessOrEqual, start)])], true),
        (Prefix::Eq | Prefix::Ap, _) => {
            let overlap = [(Earliest, Less, end), (Latest, Greater, start)];
            let decides = asked.prefix == Prefix::Ap && single;
            (vec![all(by_start, overlap)], decides)
        }
        (Prefix::Ge, false) => (vec![all(by_end, [(Latest, Greater, start)])], false),
        (Prefix::Le, false) => (vec![all(by_start, [(Earliest, Less, end)])], false),
        (Prefix::Sa, false) => (vec![all(by_end, [(Latest, Greater, end)])], false),
        (Prefix::Eb, false) => (vec![all(by_start, [(Earliest, Less, start)])], false),
    })
}

/// For single numbers that are no ranges: the lowest is the highest.
fn point(asked: &Amount) -> Answer {
    let low = &KeyValue::Number(asked.low.clone());
    let high = &KeyValue::Number(asked.high.clone());
    let comparisons = match asked.prefix {
        Prefix::Ne => return None,
        Prefix::Eq => vec![(Lowest, GreaterOrEqual, low), (Lowest, Less, high)],
        Prefix::Ap => vec![(Lowest, GreaterOrEqual, low), (Lowest, LessOrEqual, high)],
        Prefix::Gt | Prefix::Sa => vec![(Lowest, Greater, high)],
        Prefix::Lt | Prefix::Eb => vec![(Lowest, Less, low)],
        Prefix::Ge => vec![(Lowest, GreaterOrEqual, low)],
        Prefix::Le => vec![(Lowest, LessOrEqual, high)],
    };
    let all = comparisons
        .into_iter()
        .map(|(key, operator, with)| Comparison {
            key,
            operator,
            with: with.clone(),
        })
        .collect();
    let columns = vec![Lowest];
    Some((vec![Comparisons { all, columns }], true))
}

/// For a number; `points` when no stored one is a range.
pub fn number(asked: &Amount, unit: &Unit, single: bool, points: bool) -> Answer {
    let low = &KeyValue::Number(asked.low.clone());
    let high = &KeyValue::Number(asked.high.clone());
    let (by_low, by_high) = ([Lowest, Highest], [Highest, Lowest]);
    if points && single {
        return point(asked);
    }
    let (mut alternatives, decides) = match (asked.prefix, single) {
        (Prefix::Ne, _) => return None,
        (Prefix::Gt, _) => (vec![all(by_high, [(Highest, Greater, high)])], true),
        (Prefix::Lt, _) => (vec![all(by_low, [(Lowest, Less, low)])], true),
        (Prefix::Ge, _) if points => (vec![all(by_high, [(Highest, GreaterOrEqual, low)])], true),
        (Prefix::Le, _) if points => (vec![all(by_low, [(Lowest, LessOrEqual, high)])], true),
        (Prefix::Eq, true) => {
            let inside = [
                (Lowest, GreaterOrEqual, low),
                (Lowest, Less, high),
                (Highest, Less, high),
            ];
            (vec![all(by_low, inside)], true)
        }
        (Prefix::Ge, true) => {
            let is = [(Highest, Equal, high), (Lowest, GreaterOrEqual, low)];
            let beyond = [(Highest, Greater, high)];
            (vec![all(by_high, beyond), all(by_high, is)], true)
        }
        (Prefix::Le, true) => {
            let is = [(Lowest, Equal, low), (Highest, LessOrEqual, high)];
            let below = [(Lowest, Less, low)];
            (vec![all(by_low, below), all(by_low, is)], true)
        }
        (Prefix::Sa, true) => (vec![all(by_low, [(Lowest, Greater, high)])], true),
        (Prefix::Eb, true) => (vec![all(by_high, [(Highest, Less, low)])], true),
        (Prefix::Eq, false) => {
            let overlap = [(Lowest, Less, high), (Highest, GreaterOrEqual, low)];
            (vec![all(by_low, overlap)], false)
        }
        (Prefix::Ap, _) => {
            let overlap = [(Lowest, LessOrEqual, high), (Highest, GreaterOrEqual, low)];
            (vec![all(by_low, overlap)], single)
        }
        (Prefix::Ge, false) => (vec![all(by_high, [(Highest, GreaterOrEqual, low)])], false),
        (Prefix::Le, false) => (vec![all(by_low, [(Lowest, LessOrEqual, high)])], false),
        (Prefix::Sa, false) => (vec![all(by_high, [(Highest, Greater, high)])], false),
        (Prefix::Eb, false) => (vec![all(by_low, [(Lowest, Less, low)])], false),
    };
    let decides = match unit {
        Unit::Any => decides,
        Unit::Coded { system, code } if single => match unit_key(system, code) {
            Some(key) => {
                for alternative in &mut alternatives {
                    alternative.columns.insert(0, Key::Unit);
                    let of_unit = Comparison {
                        key: Key::Unit,
                        operator: Equal,
                        with: KeyValue::Text(key.clone()),
                    };
                    alternative.all.insert(0, of_unit);
                }
                decides
            }
            None => false,
        },
        Unit::Coded { .. } | Unit::Named(_) => false,
    };
    Some((alternatives, decides))
}

/// The unit as a key: where it can be told apart from others.
fn unit_key(system: &str, code: &str) -> Option<String> {
    let plain = !system.contains('|') && !code.contains('|');
    let key = format!("{system}|{code}");
    (plain && key.len() <= MOST_KEY_BYTES).then_some(key)
}
