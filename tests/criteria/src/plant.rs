//! Makes elements of every datatype, and puts them where parameters search.

use serde_json::{Map, Value, json};

use crate::dice::Dice;
use crate::table::{Alternative, Parameter, Search, Step};

/// Few words, so that documents and criteria meet often.
pub const WORDS: [&str; 14] = [
    "Müller",
    "muller",
    "Straße 5",
    "STRASSE",
    "Ångström",
    "ﬁne wine",
    "O'Neil, \"Pat\"",
    "a|b$c\\d",
    "100% & more",
    "日本語",
    "हिन्दी",
    "ΣΊΣΥΦΟΣ",
    "İstanbul",
    "Zoë van der Berg",
];
pub const CODES: [&str; 8] = [
    "final", "active", "A-1", "a-1", "8480-6", "true", "x|y", "a,b",
];
pub const SYSTEMS: [&str; 4] = [
    "http://loinc.org",
    "http://snomed.info/sct",
    "urn:oid:1.2.36.1",
    "phone",
];
pub const URLS: [&str; 9] = [
    "http://example.org/a",
    "http://example.org/a/b",
    "http://example.org/a/b/",
    "http://example.org/a/bc",
    "http://example.org/a/b/c|1.0",
    "http://example.org",
    "HTTP://example.org/a",
    "urn:oid:1.2.36.1",
    "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
];
pub const DATES: [&str; 16] = [
    "2013",
    "2013-01",
    "2013-01-14",
    "2013-01-14T10:00:00Z",
    "2013-01-14T10:00:30.5+02:00",
    "2013-01-14T23:30:00-05:00",
    "2013-01-15T04:30:00.123456789Z",
    "2012-02-29",
    "2012-12-31T23:59:59.999Z",
    "2012-12-31T23:59:60Z",
    "2013-01-14T10:00",
    "2013-01-14T10:00:00",
    "1980-05",
    "0001-01-01",
    "9999-12-31",
    "2013-03",
];
pub const NUMBERS: [&str; 26] = [
    "95",
    "4.5",
    "5.5",
    "99.95",
    "100.05",
    "90",
    "110",
    "-105",
    "0",
    "1",
    "5",
    "5.4",
    "5.40",
    "5.45",
    "99.5",
    "100",
    "100.0",
    "100.5",
    "104.99999999999999999999",
    "105",
    "-100",
    "-0.05",
    "1e2",
    "1.5E-3",
    "123456789012345678901234567890.123456789",
    "1e300",
];
/// What is asked for where those above are the ends of what is meant.
pub const ASKED: [&str; 12] = [
    "100", "100.0", "1e2", "1.0e2", "1.00E+2", "10e1", "0.1e3", "-100", "-1e2", "5", "5.0e0", "5.4",
];
pub const UNITS: [(&str, &str, &str); 4] = [
    ("http://unitsofmeasure.org", "mg", "mg"),
    ("http://unitsofmeasure.org", "mm[Hg]", "mmHg"),
    ("http://unitsofmeasure.org", "a", "years"),
    ("http://example.org/units", "mg", "milligram"),
];
pub const IDS: [&str; 5] = ["example", "p1", "f001", "1", "x-9.Z"];
pub const TYPES: [&str; 7] = [
    "Patient",
    "Practitioner",
    "Organization",
    "Encounter",
    "Device",
    "Group",
    "RelatedPerson",
];

/// A number of JSON with the digits as they are written.
pub fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// A few elements, of parameters drawn by lot.
pub fn plant(dice: &mut Dice, document: &mut Value, parameters: &[&Parameter], count: usize) {
    for _ in 0..count {
        let parameter = dice.pick(parameters);
        match &parameter.search {
            Search::Elements(alternatives) => {
                let alternative = dice.one(alternatives).clone();
                grow(dice, document, &alternative.steps, &alternative);
            }
            Search::Composite(contexts, parts) => {
                let context = dice.one(contexts).clone();
                let again = dice.chance(50);
                for part in parts {
                    let alternative = dice.one(&part.alternatives).clone();
                    let mut steps = if alternative.absolute {
                        vec![]
                    } else {
                        context.clone()
                    };
                    // All parts in the same item, or each in an item of its own.
                    if !again && let Some(last) = steps.last_mut() {
                        last.first = true;
                    }
                    steps.extend(alternative.steps.iter().cloned());
                    grow(dice, document, &steps, &alternative);
                }
            }
        }
    }
}

/// Puts an element at the end of a path. Nothing happens where something of another type is in the way.
fn grow(dice: &mut Dice, node: &mut Value, steps: &[Step], alternative: &Alternative) {
    let (Some((step, rest)), Some(object)) = (steps.split_first(), node.as_object_mut()) else {
        return;
    };
    let fresh = |dice: &mut Dice| match rest.is_empty() {
        true => element(dice, alternative),
        false => json!({}),
    };
    if !step.many {
        let slot = object.entry(step.member.clone()).or_insert(Value::Null);
        if slot.is_null() || rest.is_empty() {
            *slot = fresh(dice);
        }
        return grow(dice, slot, rest, alternative);
    }
    let slot = object
        .entry(step.member.clone())
        .or_insert_with(|| json!([]));
    let Some(items) = slot.as_array_mut() else {
        return;
    };
    if items.is_empty() || rest.is_empty() || (!step.first && items.len() < 3 && dice.chance(50)) {
        let mut item = fresh(dice);
        if let (Some((name, value)), Some(item)) = (&step.filter, item.as_object_mut()) {
            item.insert(name.clone(), json!(value));
        }
        if step.first {
            items.insert(0, item);
        } else {
            items.push(item);
        }
    }
    let at = if step.first { 0 } else { items.len() - 1 };
    grow(dice, &mut items[at], rest, alternative);
}

/// An element of the alternative's datatype.
pub fn element(dice: &mut Dice, alternative: &Alternative) -> Value {
    match alternative.datatype.as_str() {
        "Reference" => reference(dice, alternative),
        "Resource" => {
            let only = alternative.only.clone().unwrap_or_default();
            json!({"resourceType": only, "id": dice.pick(&IDS)})
        }
        "truth" if alternative.choice_member().ends_with("DateTime") => json!(dice.pick(&DATES)),
        "truth" => json!(dice.chance(50)),
        datatype => value(dice, datatype),
    }
}

pub fn value(dice: &mut Dice, datatype: &str) -> Value {
    match datatype {
        "string" | "markdown" => json!(dice.pick(&WORDS)),
        "code" | "id" => json!(dice.pick(&CODES)),
        "boolean" => json!(dice.chance(50)),
        "uri" | "url" | "canonical" => json!(dice.pick(&URLS)),
        "date" => json!(dice.pick(&DATES[..3])),
        "dateTime" | "instant" => json!(dice.pick(&DATES)),
        "integer" | "unsignedInt" | "positiveInt" => json!(dice.between(0, 12) * 10),
        "decimal" => number(dice.pick(&NUMBERS)),
        "Coding" => coding(dice),
        "CodeableConcept" => {
            let mut concept = json!({"coding": [coding(dice)]});
            if dice.chance(40) {
                concept["text"] = json!(dice.pick(&WORDS));
            }
            if dice.chance(25) {
                concept["coding"] = json!([coding(dice), coding(dice)]);
            }
            concept
        }
        "Identifier" => {
            let mut identifier = json!({"value": dice.pick(&CODES)});
            if dice.chance(75) {
                identifier["system"] = json!(dice.pick(&SYSTEMS));
            }
            if dice.chance(30) {
                identifier["type"] = json!({"text": dice.pick(&WORDS)});
            }
            identifier
        }
        "ContactPoint" => {
            json!({"system": dice.pick(&["phone", "email"]), "value": dice.pick(&CODES)})
        }
        "HumanName" => {
            json!({"family": dice.pick(&WORDS), "given": [dice.pick(&WORDS), dice.pick(&WORDS)]})
        }
        "Address" => json!({"line": [dice.pick(&WORDS)], "city": dice.pick(&WORDS), "use": "home"}),
        "Period" => period(dice),
        "Timing" => timing(dice),
        "Quantity" | "Age" | "Duration" => quantity(dice),
        "Money" => {
            json!({"value": number(dice.pick(&NUMBERS)), "currency": dice.pick(&["EUR", "USD"])})
        }
        "Range" => range(dice),
        "SampledData" => sampled(dice),
        _ => Value::Null,
    }
}

fn coding(dice: &mut Dice) -> Value {
    let mut coding = json!({"code": dice.pick(&CODES)});
    if dice.chance(75) {
        coding["system"] = json!(dice.pick(&SYSTEMS));
    }
    if dice.chance(50) {
        coding["display"] = json!(dice.pick(&WORDS));
    }
    coding
}

fn period(dice: &mut Dice) -> Value {
    let mut ends: Vec<&str> = vec![dice.pick(&DATES), dice.pick(&DATES)];
    if dice.chance(80) {
        ends.sort_unstable();
    }
    let mut period = Map::new();
    for (name, end) in ["start", "end"].into_iter().zip(ends) {
        if dice.chance(75) {
            period.insert(name.to_owned(), json!(end));
        }
    }
    Value::Object(period)
}

fn timing(dice: &mut Dice) -> Value {
    let mut timing = json!({});
    if dice.chance(60) {
        let events: Vec<_> = (0..dice.below(3)).map(|_| dice.pick(&DATES)).collect();
        timing["event"] = json!(events);
    }
    if dice.chance(60) {
        timing["repeat"] = json!({"boundsPeriod": period(dice), "frequency": 1});
    }
    timing
}

pub fn quantity(dice: &mut Dice) -> Value {
    let (system, code, unit) = dice.pick(&UNITS);
    let mut quantity = json!({"value": number(dice.pick(&NUMBERS))});
    if dice.chance(80) {
        quantity["system"] = json!(system);
        quantity["code"] = json!(code);
    }
    if dice.chance(60) {
        quantity["unit"] = json!(unit);
    }
    if dice.chance(20) {
        quantity["comparator"] = json!(dice.pick(&["<", "<=", ">", ">="]));
    }
    quantity
}

pub fn range(dice: &mut Dice) -> Value {
    let (system, code, unit) = dice.pick(&UNITS);
    let low = dice.between(-20, 110);
    let high = low + dice.between(-2, 20);
    let mut range = json!({});
    for (name, value) in [("low", low), ("high", high)] {
        if dice.chance(80) {
            range[name] = json!({"value": value, "system": system, "code": code, "unit": unit});
        }
    }
    range
}

pub fn sampled(dice: &mut Dice) -> Value {
    let (system, code, unit) = dice.pick(&UNITS);
    let data: Vec<&str> = (0..dice.below(6))
        .map(|_| dice.pick(&["1", "5.4", "-3", "99", "1e1", "E", "L", "U"]))
        .collect();
    let mut sampled = json!({
        "origin": {"value": dice.between(0, 5), "system": system, "code": code, "unit": unit},
        "period": 10, "dimensions": 1, "data": data.join(" "),
    });
    if dice.chance(50) {
        sampled["factor"] = number(dice.pick(&["2", "0.5", "-1", "0"]));
    }
    sampled
}

fn reference(dice: &mut Dice, alternative: &Alternative) -> Value {
    let targets: Vec<&str> = match &alternative.only {
        Some(only) if dice.chance(70) => vec![only],
        _ if alternative.targets.is_empty() => TYPES.to_vec(),
        _ => alternative.targets.iter().map(String::as_str).collect(),
    };
    let (target, id) = (dice.pick(&targets), dice.pick(&IDS));
    let mut reference = json!({"reference": format!("{target}/{id}")});
    match dice.below(12) {
        0 => reference["reference"] = json!(format!("{target}/{id}/_history/{}", dice.below(5))),
        1 => reference["reference"] = json!(format!("http://example.org/fhir/{target}/{id}")),
        2 => {
            reference["reference"] =
                json!(format!("http://example.org/fhir/{target}/{id}/_history/2"))
        }
        3 => reference["reference"] = json!("urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
        4 => reference = json!({"identifier": value(dice, "Identifier"), "type": target}),
        5 => reference["identifier"] = value(dice, "Identifier"),
        6 => reference["display"] = json!(dice.pick(&WORDS)),
        7 => reference = json!({"display": dice.pick(&WORDS)}),
        _ => {}
    }
    reference
}
