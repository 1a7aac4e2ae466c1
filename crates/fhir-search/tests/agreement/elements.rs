//! What a document has at the elements of a parameter, read from its JSON.

use fhir_search::Filter;
use fhir_search::table::Alternative;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The elements at a path; every array is walked.
pub fn elements<'a>(document: &'a Value, alternative: &Alternative) -> Vec<&'a Value> {
    fn flat<'a>(value: &'a Value, into: &mut Vec<&'a Value>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| flat(item, into)),
            Value::Null => {}
            value => into.push(value),
        }
    }
    let mut found = vec![document];
    for step in &alternative.path.steps {
        let mut next = Vec::new();
        for value in found {
            flat(&value[&step.member], &mut next);
        }
        match &step.filter {
            Some(Filter::Where { member, value }) => {
                next.retain(|found| found[member] == value.as_str());
            }
            Some(Filter::First) => next.truncate(1),
            None => {}
        }
        found = next;
    }
    found
}

/// The system and code of the tokens of an element.
pub fn tokens(datatype: &str, value: &Value) -> Vec<(Option<String>, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match datatype {
        "CodeableConcept" => value["coding"].as_array().map_or(Vec::new(), |codings| {
            codings
                .iter()
                .map(|coding| (text(&coding["system"]), text(&coding["code"])))
                .collect()
        }),
        "Coding" => vec![(text(&value["system"]), text(&value["code"]))],
        "Identifier" | "ContactPoint" => vec![(text(&value["system"]), text(&value["value"]))],
        "boolean" => vec![(None, value.as_bool().map(|value| value.to_string()))],
        _ => vec![(None, text(value))],
    }
}

/// What a Reference refers to, as it is compared.
pub fn reference(value: &Value, document: &Value) -> Option<String> {
    let text = value["reference"].as_str()?;
    if let Some(id) = text.strip_prefix('#') {
        if id.is_empty() {
            return Some(format!(
                "{}/{}",
                document["resourceType"].as_str()?,
                document["id"].as_str()?
            ));
        }
        let contained = document["contained"]
            .as_array()?
            .iter()
            .find(|found| found["id"] == id)?;
        return Some(format!("{}/{id}", contained["resourceType"].as_str()?));
    }
    Some(text.split("/_history/").next().unwrap().to_owned())
}

pub fn strings(datatype: &str, value: &Value) -> Vec<String> {
    let names: &[&str] = match datatype {
        "HumanName" => &["text", "family", "given", "prefix", "suffix"],
        "Address" => &[
            "text",
            "line",
            "city",
            "district",
            "state",
            "postalCode",
            "country",
        ],
        _ => return value.as_str().map(str::to_owned).into_iter().collect(),
    };
    let found = names.iter().flat_map(|name| match &value[*name] {
        Value::Array(items) => items.clone(),
        other => vec![other.clone()],
    });
    found
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}

pub fn folded(text: &str) -> String {
    let stripped: String = text
        .nfkd()
        .filter(|letter| !is_combining_mark(*letter))
        .collect();
    stripped.to_uppercase().to_lowercase().replace('ς', "σ")
}
