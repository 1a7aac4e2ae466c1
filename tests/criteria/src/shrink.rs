//! From a pair that disagrees to a small one that still does.

use anyhow::Result;
use serde_json::{Value, json};

use crate::criteria::split;

/// The smallest criteria and document that are found by leaving things out. `disagrees` is asked for many documents at
/// once; an error of it means that it cannot be tried.
pub fn shrink(
    criteria: &str,
    document: &Value,
    mut disagrees: impl FnMut(&str, &[Value]) -> Result<Vec<bool>>,
) -> Result<(String, Value)> {
    let mut criteria = criteria.to_owned();
    let mut document = document.clone();
    document["id"] = json!("shrunk");
    let mut holds = |criteria: &str, documents: &[Value]| {
        let mut documents = documents.to_vec();
        for (n, document) in documents.iter_mut().enumerate() {
            document["id"] = json!(format!("shrunk-{n}"));
        }
        disagrees(criteria, &documents)
            .ok()
            .and_then(|answers| answers.iter().position(|answer| *answer))
    };
    for smaller in smaller_criteria(&criteria) {
        if holds(&smaller, std::slice::from_ref(&document)).is_some() {
            criteria = smaller;
            break;
        }
    }
    loop {
        let mut places = Vec::new();
        collect(&document, &mut Vec::new(), &mut places);
        let smaller: Vec<Value> = places
            .iter()
            .map(|place| without(&document, place))
            .collect();
        let found = smaller
            .chunks(200)
            .find_map(|some| holds(&criteria, some).map(|at| some[at].clone()));
        match found {
            Some(smaller) => document = smaller,
            None => return Ok((criteria, document)),
        }
    }
}

/// One condition with one value, or one condition.
fn smaller_criteria(criteria: &str) -> Vec<String> {
    let Some((resource_type, query)) = criteria.split_once('?') else {
        return vec![];
    };
    let mut smaller = Vec::new();
    for condition in query.split('&') {
        if let Some((name, values)) = condition.split_once('=') {
            for value in split(values, ',') {
                smaller.push(format!("{resource_type}?{name}={value}"));
            }
        }
    }
    smaller.extend(
        query
            .split('&')
            .map(|condition| format!("{resource_type}?{condition}")),
    );
    smaller
}

/// What can be left out, big things first.
fn collect(node: &Value, place: &mut Vec<String>, places: &mut Vec<Vec<String>>) {
    let names: Vec<String> = match node {
        Value::Object(object) => object.keys().cloned().collect(),
        Value::Array(items) => (0..items.len()).map(|at| at.to_string()).collect(),
        _ => return,
    };
    let names: Vec<String> = names
        .into_iter()
        .filter(|name| !(place.is_empty() && matches!(name.as_str(), "id" | "resourceType")))
        .collect();
    for name in &names {
        place.push(name.clone());
        places.push(place.clone());
        place.pop();
    }
    for name in names {
        let next = match node {
            Value::Object(object) => object.get(&name),
            Value::Array(items) => name.parse().ok().and_then(|at: usize| items.get(at)),
            _ => None,
        };
        place.push(name);
        if let Some(next) = next {
            collect(next, place, places);
        }
        place.pop();
    }
}

fn without(document: &Value, place: &[String]) -> Value {
    let mut smaller = document.clone();
    let mut node = &mut smaller;
    let Some((last, parents)) = place.split_last() else {
        return smaller;
    };
    for step in parents {
        node = match node {
            Value::Array(items) => &mut items[step.parse::<usize>().unwrap_or_default()],
            other => &mut other[step.as_str()],
        };
    }
    match node {
        Value::Object(object) => drop(object.shift_remove(last)),
        Value::Array(items) => drop(items.remove(last.parse().unwrap_or_default())),
        _ => {}
    }
    smaller
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_what_does_not_matter() {
        let document = json!({"resourceType": "Patient", "id": "x", "name": [{"family": "A"}, {"given": ["B", "C"]}], "active": true});
        let disagrees = |criteria: &str, documents: &[Value]| {
            let matters = |document: &Value| {
                criteria.contains("given=c") && document.to_string().contains(r#""C""#)
            };
            Ok(documents.iter().map(matters).collect())
        };
        let (criteria, document) =
            shrink("Patient?active=true&given=b,c", &document, disagrees).unwrap();
        assert_eq!(criteria, "Patient?given=c");
        assert_eq!(document["name"], json!([{"given": ["C"]}]));
        assert_eq!(document.get("active"), None);
    }
}
