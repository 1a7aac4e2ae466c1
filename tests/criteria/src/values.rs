//! Values of criteria, made from an element that they should find, or nearly.

use std::str::FromStr;

use bigdecimal::{BigDecimal, ToPrimitive};
use chrono::{DateTime, FixedOffset};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::dice::Dice;
use crate::kinds::prefix::PREFIXES;
use crate::kinds::{date, string};
use crate::plant;
use crate::table::{Alternative, Kind};

/// A text with its special characters escaped.
pub fn escape(text: &str) -> String {
    text.chars()
        .flat_map(|letter| {
            let escaped = matches!(letter, '\\' | ',' | '|' | '$');
            escaped.then_some('\\').into_iter().chain([letter])
        })
        .collect()
}

/// A modifier, where the kind and the datatypes have one. `Type` stands for a type's name.
pub fn how(dice: &mut Dice, kind: Kind, alternatives: &[Alternative]) -> Option<&'static str> {
    let all = |datatypes: &[&str]| {
        alternatives
            .iter()
            .all(|alternative| datatypes.contains(&alternative.datatype.as_str()))
    };
    if !dice.chance(45) {
        return None;
    }
    match kind {
        Kind::String => Some(dice.pick(&["contains", "exact"])),
        Kind::Token if all(&["CodeableConcept", "Coding", "Identifier"]) && dice.chance(50) => {
            Some("text")
        }
        Kind::Reference if all(&["Reference"]) => {
            let of_one_type = alternatives.iter().any(|found| found.only.is_some());
            Some(if of_one_type {
                "Type"
            } else {
                dice.pick(&["identifier", "Type"])
            })
        }
        Kind::Uri => Some(dice.pick(&["below", "above"])),
        _ => None,
    }
}

/// A type that an element may refer to.
pub fn target(dice: &mut Dice, alternatives: &[Alternative]) -> Option<String> {
    let targets: Vec<&str> = alternatives
        .iter()
        .flat_map(|alternative| alternative.targets.iter().chain(&alternative.only))
        .map(String::as_str)
        .collect();
    let any = || plant::TYPES.to_vec();
    let targets = if targets.is_empty() { any() } else { targets };
    Some(dice.pick(&targets).to_owned())
}

/// A value as it is written, but for percent signs. None where the element has nothing of that kind.
pub fn value(
    dice: &mut Dice,
    kind: Kind,
    how: Option<&str>,
    target: Option<&str>,
    alternative: &Alternative,
    element: &Value,
    root: &Value,
) -> Option<String> {
    match kind {
        Kind::String => text(dice, how, element),
        Kind::Token if how == Some("text") => {
            let read = texts(dice, element)?;
            text(dice, None, read)
        }
        Kind::Token => token(dice, alternative, element),
        Kind::Reference if how == Some("identifier") => {
            token(dice, alternative, element.get("identifier")?)
        }
        // A text with spaces is stored, but it is no reference that criteria could name.
        Kind::Reference => reference(dice, how, target, alternative, element, root)
            .filter(|found| !found.contains(char::is_whitespace)),
        Kind::Date => time(dice, alternative, element),
        Kind::Number | Kind::Quantity => quantity(dice, kind, element),
        Kind::Uri => uri(dice, how, element.as_str()?),
        Kind::Composite => None,
    }
}

/// A text somewhere in the element, cut and written in another way.
fn text(dice: &mut Dice, how: Option<&str>, element: &Value) -> Option<String> {
    let element = leaf(dice, element)?;
    let whole = element.as_str()?;
    if how == Some("exact") {
        let whole = if dice.chance(15) {
            whole.to_uppercase()
        } else {
            whole.to_owned()
        };
        return (!whole.is_empty() && whole.len() < 2000).then(|| escape(&whole));
    }
    let letters: Vec<char> = whole.chars().collect();
    let begin = if how == Some("contains") {
        dice.below(letters.len().max(1))
    } else {
        0
    };
    let most = letters.len().saturating_sub(begin).min(30);
    let length = if dice.chance(30) {
        most
    } else {
        1 + dice.below(most.max(1))
    };
    let cut: String = letters.iter().skip(begin).take(length).collect();
    let cut = match dice.below(6) {
        0 => cut.to_uppercase(),
        1 => cut.to_lowercase(),
        2 => cut.nfd().collect(),
        3 => cut.nfkc().collect(),
        4 => cut.replace('e', "ê"),
        _ => cut,
    };
    (!string::fold(&cut).trim().is_empty()).then(|| escape(&cut))
}

/// A text of the element, at any depth.
fn leaf<'a>(dice: &mut Dice, element: &'a Value) -> Option<&'a Value> {
    match element {
        Value::Object(object) => {
            let next = dice.pick_of(object.values().collect())?;
            leaf(dice, next)
        }
        Value::Array(items) => {
            let next = dice.pick_of(items.iter().collect())?;
            leaf(dice, next)
        }
        Value::String(_) => Some(element),
        _ => None,
    }
}

/// What people read of a token.
fn texts<'a>(dice: &mut Dice, element: &'a Value) -> Option<&'a Value> {
    let mut texts: Vec<&Value> = ["/text", "/display", "/type/text"]
        .into_iter()
        .filter_map(|pointer| element.pointer(pointer))
        .collect();
    let codings = element.get("coding").and_then(Value::as_array);
    texts.extend(
        codings
            .into_iter()
            .flatten()
            .filter_map(|coding| coding.get("display")),
    );
    dice.pick_of(texts)
}

fn token(dice: &mut Dice, alternative: &Alternative, element: &Value) -> Option<String> {
    if alternative.datatype == "truth" || alternative.datatype == "boolean" {
        return Some(dice.chance(50).to_string());
    }
    if let Some(code) = element.as_str() {
        let bar = if dice.chance(15) { "|" } else { "" };
        return (!code.is_empty()).then(|| format!("{bar}{}", escape(code)));
    }
    let element = match element.get("coding") {
        Some(codings) => dice.pick_of(codings.as_array()?.iter().collect())?,
        None => element,
    };
    let text = |name| element.get(name).and_then(Value::as_str).map(escape);
    let system = text("system").filter(|system| !system.is_empty());
    let code = text("code")
        .or_else(|| text("value"))
        .filter(|code| !code.is_empty())?;
    let code = if dice.chance(5) {
        code.to_uppercase()
    } else {
        code
    };
    Some(match (dice.below(10), system) {
        (0, _) => format!("|{code}"),
        (1 | 2, Some(system)) => format!("{system}|"),
        (3, _) => format!("{}|{code}", dice.pick(&plant::SYSTEMS)),
        (4..8, Some(system)) => format!("{system}|{code}"),
        _ => code,
    })
}

fn reference(
    dice: &mut Dice,
    how: Option<&str>,
    target: Option<&str>,
    alternative: &Alternative,
    element: &Value,
    root: &Value,
) -> Option<String> {
    if let Some(url) = element.as_str() {
        let is_url = url.contains("://") || url.starts_with("urn:");
        return is_url.then(|| escape(url));
    }
    let whole = match alternative.datatype.as_str() {
        "Resource" => format!(
            "{}/{}",
            element.get("resourceType")?.as_str()?,
            element.get("id")?.as_str()?
        ),
        _ => {
            let text = element.get("reference")?.as_str()?;
            let text = text.split("/_history/").next().unwrap_or(text);
            match text.strip_prefix('#') {
                Some(id) => {
                    let contained = root.get("contained")?.as_array()?;
                    let resource = contained.iter().find(|resource| resource["id"] == id)?;
                    format!("{}/{id}", resource["resourceType"].as_str()?)
                }
                None => text.to_owned(),
            }
        }
    };
    if whole.contains("://") || whole.starts_with("urn:") {
        return (how.is_none() && !whole.ends_with(':')).then(|| escape(&whole));
    }
    let (resource_type, id) = whole.split_once('/')?;
    let id_is_good = (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    if !id_is_good {
        return None;
    }
    if target.is_some() {
        return Some(id.to_owned());
    }
    if how == Some("whole") {
        return plant::TYPES.contains(&resource_type).then_some(whole);
    }
    if dice.chance(30) {
        return Some(id.to_owned());
    }
    let allowed = match &alternative.only {
        Some(only) => only == resource_type,
        None if alternative.targets.is_empty() => plant::TYPES.contains(&resource_type),
        None => alternative
            .targets
            .iter()
            .any(|target| target == resource_type),
    };
    allowed.then_some(whole)
}

fn uri(dice: &mut Dice, how: Option<&str>, text: &str) -> Option<String> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return None;
    }
    let text = match how {
        None => text.to_owned(),
        // Only of URLs is anything above or below.
        Some(_) if !text.contains("://") => return None,
        Some("below") => {
            let mut text = text.to_owned();
            while dice.chance(40) {
                let Some((before, _)) = text
                    .rsplit_once('/')
                    .filter(|(before, _)| before.len() > "https://".len())
                else {
                    break;
                };
                text = before.to_owned();
            }
            text
        }
        Some(_) => format!(
            "{text}{}",
            dice.pick(&["", "/", "/more", "/and/more", "more"])
        ),
    };
    Some(escape(&text))
}

/// A prefix, or none.
fn prefix(dice: &mut Dice) -> &'static str {
    if dice.chance(30) {
        ""
    } else {
        dice.pick(&PREFIXES).0
    }
}

/// An end of the element's range, more or less precisely, perhaps seen from another zone, perhaps a little off.
fn time(dice: &mut Dice, alternative: &Alternative, element: &Value) -> Option<String> {
    let range = date::stored(element, &alternative.datatype).ok()??;
    let range = range.unwrap_or(date::ALWAYS);
    let mut ends = [range.from, range.to];
    if ends.contains(&i64::MIN) && ends.contains(&i64::MAX) {
        return Some(format!("{}{}", prefix(dice), dice.pick(&plant::DATES)));
    }
    ends.sort_unstable_by_key(|end| matches!(*end, i64::MIN | i64::MAX));
    let known = if matches!(ends[1], i64::MIN | i64::MAX) {
        1
    } else {
        2
    };
    let end = ends[dice.below(known)];
    let steps = [
        0,
        0,
        0,
        1,
        -1,
        1_000_000,
        -1_000_000,
        3_600_000_000,
        -86_400_000_000,
    ];
    let time = DateTime::from_timestamp_micros(end + dice.pick(&steps))?;
    let hours = if dice.chance(70) {
        0
    } else {
        dice.between(-12, 14)
    };
    let zone = FixedOffset::east_opt(i32::try_from(hours * 3600).ok()?)?;
    let local = time.with_timezone(&zone);
    let forms = [
        "%Y",
        "%Y-%m",
        "%Y-%m-%d",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M:%S%.3f",
        "%Y-%m-%dT%H:%M:%S%.6f",
    ];
    let form = dice.pick(&forms);
    let mut text = local.format(form).to_string();
    if form.contains('T') {
        match hours {
            0 => text.push_str(dice.pick(&["Z", "", "+00:00"])),
            _ => text.push_str(&local.format("%:z").to_string()),
        }
    }
    let year = text.split('-').next()?;
    let good = year.len() == 4 && year != "0000" && !text.starts_with(['-', '+']);
    good.then(|| format!("{}{text}", prefix(dice)))
}

/// A number of the element, with other digits perhaps, and its unit perhaps.
fn quantity(dice: &mut Dice, kind: Kind, element: &Value) -> Option<String> {
    let number = decimals(dice, element)?;
    let number = if dice.chance(15) {
        dice.pick(&plant::ASKED).to_owned()
    } else {
        other_digits(dice, &number)?
    };
    let number = format!("{}{number}", prefix(dice));
    if kind == Kind::Number || dice.chance(35) {
        return Some(number);
    }
    let bearer = ["/low", "/high", "/origin"]
        .into_iter()
        .find_map(|pointer| element.pointer(pointer))
        .unwrap_or(element);
    let text = |name| bearer.get(name).and_then(Value::as_str).map(str::to_owned);
    let (mut system, mut code) = match text("currency") {
        Some(currency) => (Some("urn:iso:std:iso:4217".to_owned()), Some(currency)),
        None => (text("system"), text("code").or_else(|| text("unit"))),
    };
    if dice.chance(10) {
        let (other_system, other_code, _) = dice.pick(&plant::UNITS);
        system = Some(other_system.to_owned());
        code = Some(other_code.to_owned());
    }
    if dice.chance(30) {
        code = text("unit").or(code);
        system = None;
    }
    let Some(code) = code.filter(|code| !code.is_empty()) else {
        return Some(number);
    };
    Some(format!(
        "{number}|{}|{}",
        escape(&system.unwrap_or_default()),
        escape(&code)
    ))
}

fn decimals(dice: &mut Dice, element: &Value) -> Option<BigDecimal> {
    let mut numbers: Vec<&Value> = ["", "/value", "/low/value", "/high/value", "/origin/value"]
        .into_iter()
        .filter_map(|pointer| element.pointer(pointer))
        .filter(|value| value.is_number())
        .collect();
    numbers.truncate(3);
    let number = dice.pick_of(numbers)?.to_string();
    BigDecimal::from_str(&number).ok()
}

fn other_digits(dice: &mut Dice, number: &BigDecimal) -> Option<String> {
    let scale = number.fractional_digit_count();
    let number = match dice.below(8) {
        0 => number + BigDecimal::new(dice.between(-10, 10).into(), scale),
        1 => number + BigDecimal::new(dice.between(-10, 10).into(), scale + 1),
        2 => number.with_scale_round(scale - 1, bigdecimal::RoundingMode::HalfUp),
        3 => number.with_scale(scale + 2),
        4 => number * BigDecimal::new(dice.between(85, 115).into(), 2),
        _ => number.clone(),
    };
    let (digits, scale) = number.as_bigint_and_exponent();
    let digits = digits.to_string();
    if digits.len() > 200 || scale.abs() > 400 {
        return None;
    }
    let scientific = dice.chance(12) || scale < 0;
    let text = if scientific {
        match dice.below(3) {
            0 => format!("{digits}e{}", -scale),
            1 => format!("{digits}E{:+}", -scale),
            _ => {
                let (sign, digits) = digits
                    .strip_prefix('-')
                    .map_or(("", digits.as_str()), |digits| ("-", digits));
                let (first, rest) = digits.split_at(1);
                let exponent = rest.len().to_i64()? - scale;
                let point = if rest.is_empty() { "" } else { "." };
                format!("{sign}{first}{point}{rest}e{exponent}")
            }
        }
    } else {
        number.to_plain_string()
    };
    Some(text)
}
