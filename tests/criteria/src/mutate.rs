//! Documents that nobody should have written, but somebody will.

use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use crate::dice::Dice;
use crate::plant;
use crate::table::{Alternative, Parameter, Search};

/// Changes a few things, most of them where parameters search. `resourceType` and `id` stay.
pub fn mutate(dice: &mut Dice, document: &mut Value, parameters: &[&Parameter]) {
    for _ in 0..=dice.below(8) {
        if dice.chance(25) {
            plant::plant(dice, document, parameters, 1);
        }
        if dice.chance(12) {
            second_choice(dice, document, parameters);
        }
        if let Some(place) = place(dice, document, parameters) {
            change(dice, document, &place);
        }
    }
}

/// A place in the document, as the members and indexes that lead to it: somewhere on the path of a parameter or below
/// its end.
fn place(dice: &mut Dice, document: &Value, parameters: &[&Parameter]) -> Option<Vec<String>> {
    let mut members: Vec<&str> = parameters
        .iter()
        .flat_map(|parameter| alternatives(parameter))
        .filter_map(|alternative| alternative.steps.first())
        .map(|step| step.member.as_str())
        .chain(["contained"])
        .filter(|member| {
            !matches!(*member, "id" | "resourceType") && document.get(member).is_some()
        })
        .collect();
    members.dedup();
    let mut place = vec![dice.pick_of(members)?.to_owned()];
    let mut node = document.get(&place[0])?;
    while dice.chance(78) {
        let next = match node {
            Value::Object(object) => dice.pick_of(object.keys().cloned().collect()),
            Value::Array(items) if !items.is_empty() => Some(dice.below(items.len()).to_string()),
            _ => None,
        };
        let Some(next) = next else {
            break;
        };
        node = match node {
            Value::Object(object) => object.get(&next)?,
            Value::Array(items) => items.get(next.parse::<usize>().ok()?)?,
            _ => break,
        };
        place.push(next);
    }
    Some(place)
}

fn alternatives(parameter: &Parameter) -> Vec<&Alternative> {
    match &parameter.search {
        Search::Elements(alternatives) => alternatives.iter().collect(),
        Search::Composite(_, parts) => parts.iter().flat_map(|part| &part.alternatives).collect(),
    }
}

/// Another member of a choice, beside the one that is there.
fn second_choice(dice: &mut Dice, document: &mut Value, parameters: &[&Parameter]) {
    let Some(object) = document.as_object_mut() else {
        return;
    };
    let choices: Vec<&Alternative> = parameters
        .iter()
        .flat_map(|parameter| alternatives(parameter))
        .filter(|alternative| {
            alternative.steps.len() == 1 && alternative.choice() != alternative.choice_member()
        })
        .collect();
    if let Some(choice) = dice.pick_of(choices) {
        object.insert(
            choice.choice_member().to_owned(),
            plant::element(dice, choice),
        );
    }
}

fn change(dice: &mut Dice, document: &mut Value, place: &[String]) {
    let Some((last, parents)) = place.split_last() else {
        return;
    };
    let mut parent = document;
    for step in parents {
        let next = match parent {
            Value::Object(object) => object.get_mut(step),
            Value::Array(items) => step.parse().ok().and_then(|at: usize| items.get_mut(at)),
            _ => None,
        };
        let Some(next) = next else {
            return;
        };
        parent = next;
    }
    match parent {
        Value::Object(object) => {
            if dice.chance(8) {
                object.shift_remove(last);
                return;
            }
            if let Some(value) = object.get_mut(last) {
                let renamed = replace(dice, last, value);
                if let (Some(renamed), Some(value)) = (renamed, object.shift_remove(last)) {
                    object.insert(renamed, value);
                }
            }
        }
        Value::Array(items) => {
            let Some(at) = last.parse().ok().filter(|at: &usize| *at < items.len()) else {
                return;
            };
            match dice.below(12) {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                2 => items.insert(0, Value::Null),
                3 => items.reverse(),
                _ => drop(replace(dice, last, &mut items[at])),
            }
        }
        _ => {}
    }
}

/// Changes a value; says so where the member should get another name.
fn replace(dice: &mut Dice, name: &str, value: &mut Value) -> Option<String> {
    if dice.chance(22) {
        *value = wrong(dice, value);
        return None;
    }
    match value {
        Value::String(text) => *text = other_text(dice, name, text),
        Value::Number(_) => *value = plant::number(dice.pick(&plant::NUMBERS)),
        Value::Bool(truth) => *truth = !*truth,
        Value::Object(object) if object.contains_key("value") => {
            return quantity(dice, name, value);
        }
        Value::Object(object) if object.contains_key("start") || object.contains_key("end") => {
            match dice.below(4) {
                0 => drop(object.shift_remove("start")),
                1 => drop(object.shift_remove("end")),
                2 => {
                    let ends = [object.shift_remove("start"), object.shift_remove("end")];
                    for (name, end) in ["end", "start"].into_iter().zip(ends) {
                        object.extend(end.map(|end| (name.to_owned(), end)));
                    }
                }
                _ => {
                    object.insert("end".to_owned(), json!(dice.pick(&plant::DATES)));
                }
            }
        }
        Value::Object(object) if object.contains_key("reference") => {
            let identifier = plant::value(dice, "Identifier");
            object.insert("identifier".to_owned(), identifier);
            if dice.chance(50) {
                object.shift_remove("reference");
            }
        }
        other => *other = wrong(dice, other),
    }
    None
}

/// Nothing, or something of another type.
fn wrong(dice: &mut Dice, value: &Value) -> Value {
    match dice.below(9) {
        0 => Value::Null,
        1 => json!([]),
        2 => json!({}),
        3 => json!([value]),
        4 => match value {
            Value::Array(items) => items.first().cloned().unwrap_or(Value::Null),
            Value::Object(object) => object.values().next().cloned().unwrap_or(Value::Null),
            Value::String(text) => json!({"value": text}),
            other => json!(other.to_string()),
        },
        5 => json!(5),
        6 => json!("a text"),
        7 => json!(true),
        _ => json!(["a", 1, null, {}, [], false]),
    }
}

/// A comparator, another unit, or another datatype with its name.
fn quantity(dice: &mut Dice, name: &str, value: &mut Value) -> Option<String> {
    let base = name
        .strip_suffix("Quantity")
        .filter(|base| !base.is_empty());
    match dice.below(6) {
        0 => value["comparator"] = json!(dice.pick(&["<", "<=", ">", ">=", "~", ""])),
        1 => {
            let (system, code, unit) = dice.pick(&plant::UNITS);
            value["system"] = json!(system);
            value["code"] = json!(code);
            value["unit"] = json!(unit);
        }
        2 => value["value"] = plant::number(dice.pick(&plant::NUMBERS)),
        3 => {
            let many = "7".repeat(dice.below(300));
            value["value"] = plant::number(&format!("1{many}.0{many}"));
        }
        4 if base.is_some() => {
            *value = plant::range(dice);
            return base.map(|base| format!("{base}Range"));
        }
        5 if base.is_some() => {
            *value = plant::sampled(dice);
            return base.map(|base| format!("{base}SampledData"));
        }
        _ => value["value"] = json!(dice.pick(&plant::NUMBERS)),
    }
    None
}

fn other_text(dice: &mut Dice, name: &str, text: &str) -> String {
    if name == "reference" {
        return other_reference(dice, text);
    }
    if text.len() >= 4 && text.bytes().take(4).all(|byte| byte.is_ascii_digit()) {
        return other_date(dice, text);
    }
    if text.contains("://") && dice.chance(50) {
        return match dice.below(4) {
            0 => format!("{text}/"),
            1 => format!("{text}/more"),
            2 => format!("{text}more"),
            _ => text
                .trim_end_matches('/')
                .rsplit_once('/')
                .map_or("", |(before, _)| before)
                .to_owned(),
        };
    }
    match dice.below(9) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        2 => text.nfd().collect(),
        3 => text.nfkc().collect(),
        // An accent on every letter e, and one on the first letter, whatever it is.
        4 => text.replace(['e', 'E'], "é"),
        5 => text
            .chars()
            .take(1)
            .chain(['\u{301}'])
            .chain(text.chars().skip(1))
            .collect(),
        6 => String::new(),
        7 => format!(" {text} "),
        _ => dice.pick(&plant::WORDS).to_owned(),
    }
}

fn other_reference(dice: &mut Dice, text: &str) -> String {
    let id = text.rsplit('/').next().unwrap_or(text);
    match dice.below(11) {
        0 | 1 => format!("{text}/_history/{}", dice.between(1, 20)),
        2 => format!("http://example.org/fhir/{text}"),
        3 => format!("#{id}"),
        4 => "#p1".to_owned(),
        5 => format!("{}/{id}", dice.pick(&plant::TYPES)),
        6 => id.to_owned(),
        7 => format!("urn:uuid:{id}"),
        8 => String::new(),
        9 => format!("https://example.org/{text}/_history/3"),
        _ => format!("Nobody/{id}"),
    }
}

fn other_date(dice: &mut Dice, text: &str) -> String {
    let cut = |length: usize| text.get(..length).unwrap_or(text).to_owned();
    match dice.below(14) {
        0 => cut(4),
        1 => cut(7),
        2 => cut(10),
        3 => cut(19),
        4 => format!(
            "{}T{:02}:30:00+{:02}:00",
            cut(10),
            dice.below(24),
            dice.below(16)
        ),
        5 => format!(
            "{}T{:02}:15:20.{}Z",
            cut(10),
            dice.below(24),
            "1234567890".split_at(dice.below(10)).0
        ),
        6 => format!("{}T00:00:00-{:02}:30", cut(10), dice.below(15)),
        7 => "1990-13-45".to_owned(),
        8 => "soon".to_owned(),
        9 => format!("{text}Z"),
        10 => "2013-02-29".to_owned(),
        11 => format!("{}T{:02}:30", cut(10), dice.below(26)),
        _ => dice.pick(&plant::DATES).to_owned(),
    }
}
