//! date: ranges of time, in microseconds since 1970, without their end.

use anyhow::{Context, Result, bail};
use chrono::{Months, NaiveDate, NaiveDateTime, TimeDelta};
use serde_json::Value;

use super::prefix::{self, Prefix};
use crate::path::{items, member};

pub const ALWAYS: Range = Range {
    from: i64::MIN,
    to: i64::MAX,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub from: i64,
    pub to: i64,
}

impl Range {
    /// Does a stored range fit this one, which is asked for?
    pub fn fits(self, prefix: Prefix, stored: Self) -> bool {
        let contains = self.from <= stored.from && stored.to <= self.to;
        let beyond = stored.to > self.to;
        let below = stored.from < self.from;
        match prefix {
            Prefix::Eq => contains,
            Prefix::Ne => !contains,
            Prefix::Gt => beyond,
            Prefix::Lt => below,
            Prefix::Ge => beyond || contains,
            Prefix::Le => below || contains,
            Prefix::Sa => stored.from >= self.to,
            Prefix::Eb => stored.to <= self.from,
            Prefix::Ap => stored.from < self.to && self.from < stored.to,
        }
    }
}

/// A value that is asked for.
pub fn parse(value: &str) -> Result<(Prefix, Range)> {
    let (prefix, text) = prefix::split(value);
    let range = range_of(text).with_context(|| format!("no date: {value}"))?;
    Ok((prefix, range))
}

/// The time that a date, dateTime or instant stands for.
pub fn range_of(text: &str) -> Option<Range> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut fields = date.split('-');
    let year = digits(fields.next()?, 4)?;
    let month = fields.next().map(|month| digits(month, 2));
    let day = fields.next().map(|day| digits(day, 2));
    if fields.next().is_some() || year == 0 {
        return None;
    }
    let start = |month, day| NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day);
    let months = |date: NaiveDate, count| {
        let end = date.checked_add_months(Months::new(count))?;
        Some(Range {
            from: micros(date.into())?,
            to: micros(end.into())?,
        })
    };
    match (month, day, time) {
        (None, None, None) => months(start(1, 1)?, 12),
        (Some(month), None, None) => months(start(month?, 1)?, 1),
        (Some(month), Some(day), None) => {
            let date = start(month?, day?)?;
            let from = micros(date.into())?;
            Some(Range {
                from,
                to: from + TimeDelta::days(1).num_microseconds()?,
            })
        }
        (Some(month), Some(day), Some(time)) => of_time(start(month?, day?)?, time),
        _ => None,
    }
}

/// `10:00`, `10:00:00`, `10:00:00.123`, each with or without a zone.
fn of_time(date: NaiveDate, text: &str) -> Option<Range> {
    let (time, offset) = match text.find(['Z', '+', '-']) {
        Some(at) => {
            let (time, zone) = text.split_at(at);
            (time, offset(zone)?)
        }
        None => (text, 0),
    };
    let mut fields = time.splitn(3, ':');
    let hour = digits(fields.next()?, 2)?;
    let minute = digits(fields.next()?, 2)?;
    let (second, micro, width) = match fields.next() {
        None => (0, 0, 60_000_000),
        Some(text) => seconds(text)?,
    };
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = i64::from((hour * 60 + minute) * 60 + second) - offset;
    let from = micros(date.into())? + seconds * 1_000_000 + micro;
    Some(Range {
        from,
        to: from + width,
    })
}

/// `00`, `00.123`: seconds, microseconds, and how long that is.
fn seconds(text: &str) -> Option<(u32, i64, i64)> {
    let Some((whole, fraction)) = text.split_once('.') else {
        return Some((digits(text, 2)?, 0, 1_000_000));
    };
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let cut = fraction.get(..6).unwrap_or(fraction);
    let width = 10_i64.pow(6 - u32::try_from(cut.len()).ok()?);
    Some((digits(whole, 2)?, cut.parse::<i64>().ok()? * width, width))
}

/// Seconds east of UTC; at most 14 hours.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let minutes = digits(hours, 2)? * 60 + digits(minutes, 2).filter(|minutes| *minutes < 60)?;
    if minutes > 14 * 60 {
        return None;
    }
    let seconds = i64::from(minutes) * 60;
    Some(if zone.starts_with('-') {
        -seconds
    } else {
        seconds
    })
}

fn digits(text: &str, count: usize) -> Option<u32> {
    let good = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    good.then(|| text.parse().ok())?
}

fn micros(time: NaiveDateTime) -> Option<i64> {
    Some(time.and_utc().timestamp_micros())
}

/// What a stored element stands for: nothing, something unknown, or a range.
pub fn stored(element: &Value, datatype: &str) -> Result<Option<Option<Range>>> {
    Ok(match datatype {
        "date" | "dateTime" | "instant" => Some(element.as_str().and_then(range_of)),
        "Period" => period(element),
        "Timing" => timing(element),
        other => bail!("no date: {other}"),
    })
}

fn period(element: &Value) -> Option<Option<Range>> {
    let Some(period) = element.as_object() else {
        return Some(None);
    };
    let bound = |name| member(period, name).map(|bound| bound.as_str().and_then(range_of));
    let (start, end) = (bound("start"), bound("end"));
    if start.is_none() && end.is_none() {
        return None;
    }
    Some(limits(start, end))
}

fn limits(start: Option<Option<Range>>, end: Option<Option<Range>>) -> Option<Range> {
    let from = start.map_or(Some(ALWAYS), |start| start)?.from;
    let to = end.map_or(Some(ALWAYS), |end| end)?.to;
    (from < to).then_some(Range { from, to })
}

/// From the first to the last of `event` and `repeat.boundsPeriod`.
fn timing(element: &Value) -> Option<Option<Range>> {
    let Some(timing) = element.as_object() else {
        return Some(None);
    };
    let mut ranges = match items(timing, "event") {
        Some(events) => events
            .into_iter()
            .map(|event| event.as_str().and_then(range_of))
            .collect(),
        None => vec![None],
    };
    if let Some(repeat) = member(timing, "repeat") {
        match repeat.as_object() {
            Some(repeat) => ranges.extend(member(repeat, "boundsPeriod").and_then(period)),
            None => ranges.push(None),
        }
    }
    let mut all: Option<Range> = None;
    for range in ranges {
        let Some(range) = range else {
            return Some(None);
        };
        let known = all.unwrap_or(range);
        all = Some(Range {
            from: known.from.min(range.from),
            to: known.to.max(range.to),
        });
    }
    all.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(value: &str, element: Value, datatype: &str) -> Option<Option<bool>> {
        let (prefix, asked) = parse(value).unwrap();
        let range = stored(&element, datatype).unwrap()?;
        Some(range.map(|range| asked.fits(prefix, range)))
    }

    fn is(value: &str, text: &str) -> bool {
        holds(value, json!(text), "dateTime").unwrap().unwrap()
    }

    #[test]
    fn examples_of_the_specification() {
        // eq2013-01-14: 2013-01-14T00:00 matches, 2013-01-14T10:00 matches, 2013-01-15T00:00 does not.
        assert!(is("eq2013-01-14", "2013-01-14T00:00"));
        assert!(is("eq2013-01-14", "2013-01-14T10:00"));
        assert!(!is("eq2013-01-14", "2013-01-15T00:00"));
        assert!(is("ne2013-01-14", "2013-01-15T00:00") && !is("ne2013-01-14", "2013-01-14T00:00"));
        // lt2013-01-14T10:00: 2013-01-14 matches, because it includes the part of the day before 10am.
        assert!(is("lt2013-01-14T10:00", "2013-01-14"));
        assert!(is("gt2013-01-14T10:00", "2013-01-14"));
        // ge2013-03-14: a period from 21-Jan 2013 onwards matches.
        assert_eq!(
            holds("ge2013-03-14", json!({"start": "2013-01-21"}), "Period"),
            Some(Some(true))
        );
        assert_eq!(
            holds("le2013-03-14", json!({"start": "2013-01-21"}), "Period"),
            Some(Some(true))
        );
        // sa2013-03-14: from 15-Mar on matches, a period that includes periods before the 14th does not.
        assert_eq!(
            holds("sa2013-03-14", json!({"start": "2013-03-15"}), "Period"),
            Some(Some(true))
        );
        assert_eq!(
            holds("sa2013-03-14", json!({"start": "2013-01-21"}), "Period"),
            Some(Some(false))
        );
        assert_eq!(
            holds("eb2013-03-14", json!({"start": "2013-01-21"}), "Period"),
            Some(Some(false))
        );
        assert_eq!(
            holds("eb2013-03-14", json!({"end": "2013-03-13"}), "Period"),
            Some(Some(true))
        );
        assert!(is("ap2013-03-14", "2013-03") && !is("ap2013-03-14", "2013-03-15"));
    }

    #[test]
    fn zones_and_precision() {
        assert!(is("2013-01-14T22:00Z", "2013-01-15T00:00:30+02:00"));
        assert!(is("2013-01-13", "2013-01-14T01:00:00+02:00"));
        assert!(is("2013", "2013-12-31T23:59:59.999999999Z"));
        assert!(!is("2013-01-01", "2013-01") && is("2013", "2013-01"));
        assert!(is("2013-01-14T10:00:00.12", "2013-01-14T10:00:00.129Z"));
        assert!(is(
            "2013-01-14T10:00:00.1234567",
            "2013-01-14T10:00:00.1234569Z"
        ));
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "soon",
            "1990-13-45",
            "1990-02-30",
            "90",
            "1990-1-1",
            "1990-01-01T",
            "1990-01-01T25:00",
            "0000",
            "1990-01-01T10",
            "1990-01-01T10:00+15:00",
            "1990-01-01t10:00",
            "1990T10:00",
            "1990-01-01T10:00:00.Z",
            "",
            " 1990",
            "1990-01-01T10:00:00+0200",
            "1990-01-01-",
            "+1990",
        ] {
            assert_eq!(range_of(text), None, "{text}");
        }
        assert!(range_of("9999").is_some() && range_of("0001-01-01T00:00:00+14:00").is_some());
    }

    #[test]
    fn periods_and_timings() {
        assert_eq!(holds("2013", json!({}), "Period"), None);
        assert_eq!(holds("2013", json!({"start": null}), "Period"), None);
        assert_eq!(
            holds("2013", json!({"start": "2014", "end": "2013"}), "Period"),
            Some(None)
        );
        assert_eq!(
            holds("2013", json!({"start": "2013", "end": "2013"}), "Period"),
            Some(Some(true))
        );
        assert_eq!(
            holds(
                "2013",
                json!({"start": "2013-05", "end": "2013-05"}),
                "Period"
            ),
            Some(Some(true))
        );
        assert_eq!(
            holds("2013", json!({"start": "soon"}), "Period"),
            Some(None)
        );
        assert_eq!(holds("2013", json!("2013"), "Period"), Some(None));
        let timing = json!({"event": ["2013-05", "2013-02"], "repeat": {"boundsPeriod": {"end": "2013-12"}}});
        assert_eq!(holds("2013", timing.clone(), "Timing"), Some(Some(false)));
        assert_eq!(holds("lt2013", timing, "Timing"), Some(Some(true)));
        assert_eq!(
            holds("2013", json!({"event": ["2013-05", "2013-02"]}), "Timing"),
            Some(Some(true))
        );
        assert_eq!(
            holds("2013", json!({"repeat": {"frequency": 1}}), "Timing"),
            None
        );
        assert_eq!(
            holds("2013", json!({"event": ["2013", 5]}), "Timing"),
            Some(None)
        );
    }
}
