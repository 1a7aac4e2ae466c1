//! The documents: HL7's examples, some of Synthea's, some that are grown here, and mutations of all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::mutate::mutate;
use crate::plant;
use crate::table::{Parameter, Table};

/// Per type, each with an id of its own.
pub type Documents = BTreeMap<String, Vec<Value>>;

/// Of Synthea's resources, so many of each type.
const OF_SYNTHEA: usize = 12;

/// Grown here, so many of each type.
const GROWN: usize = 6;

/// At least so many mutations of each type, and at least one of each document.
const MUTATIONS: usize = 40;

/// Types that no criteria can open to an ordinary membership, and those that are no types of rows.
const CLOSED: [&str; 17] = [
    "AccessPolicy",
    "Binary",
    "Cron",
    "DomainConfiguration",
    "DomainResource",
    "Enterprise",
    "JsonWebKey",
    "Login",
    "Package",
    "PackageInstallation",
    "PackageRelease",
    "PasswordChangeRequest",
    "Project",
    "ProjectMembership",
    "Resource",
    "User",
    "UserSecurityRequest",
];

/// Where HL7's and Synthea's resources are: not in the repository.
pub fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    folder
        .join("examples-r4.ndjson.gz")
        .is_file()
        .then_some(folder)
}

pub fn all(table: &Table, seed: u64) -> Result<Documents> {
    let mut documents = Documents::new();
    if let Some(folder) = folder() {
        read(
            &folder.join("examples-r4.ndjson.gz"),
            usize::MAX,
            &mut documents,
        )?;
        read(
            &folder.join("synthea.ndjson.gz"),
            OF_SYNTHEA,
            &mut documents,
        )?;
    }
    let mut dice = Dice::new(seed, 0);
    for resource_type in table.types() {
        documents.entry(resource_type.to_owned()).or_default();
    }
    documents.retain(|resource_type, _| !CLOSED.contains(&resource_type.as_str()));
    for (resource_type, documents) in &mut documents {
        // An id is what tells rows apart.
        let parameters: Vec<&Parameter> = table
            .parameters(resource_type)
            .filter(|parameter| parameter.name != "_id")
            .collect();
        unique(documents);
        for n in 0..GROWN {
            let mut document = json!({"resourceType": resource_type, "id": format!("grown-{n}")});
            plant::plant(&mut dice, &mut document, &parameters, 2 * parameters.len());
            documents.push(document);
        }
        let whole = documents.len();
        for n in 0..MUTATIONS.max(whole) {
            let mut document = documents[n % whole].clone();
            let id = document["id"].as_str().unwrap_or_default().to_owned();
            document["id"] = json!(format!("{id}.{n}"));
            contain(&mut dice, &mut document);
            mutate(&mut dice, &mut document, &parameters);
            tag(&mut dice, &mut document);
            documents.push(document);
        }
    }
    Ok(documents)
}

fn read(file: &Path, of_each_type: usize, documents: &mut Documents) -> Result<()> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let file = File::open(file).with_context(|| file.display().to_string())?;
    for line in BufReader::new(GzDecoder::new(file)).lines() {
        let document: Value = serde_json::from_str(&line?)?;
        let resource_type = document["resourceType"]
            .as_str()
            .context("no resourceType")?;
        let count = counts.entry(resource_type.to_owned()).or_default();
        *count += 1;
        if *count <= of_each_type {
            documents
                .entry(resource_type.to_owned())
                .or_default()
                .push(document);
        }
    }
    Ok(())
}

fn unique(documents: &mut Vec<Value>) {
    let mut ids = BTreeSet::new();
    documents.retain(|document| ids.insert(document["id"].to_string()));
}

/// Something to which `#p1` can refer.
fn contain(dice: &mut Dice, document: &mut Value) {
    if document.get("contained").is_none() && dice.chance(30) {
        let contained = json!({"resourceType": dice.pick(&plant::TYPES), "id": "p1"});
        document["contained"] = json!([contained]);
    }
}

/// A project and accounts.
fn tag(dice: &mut Dice, document: &mut Value) {
    if !dice.chance(35) {
        return;
    }
    let Some(document) = document.as_object_mut() else {
        return;
    };
    let Some(meta) = document
        .entry("meta")
        .or_insert_with(|| json!({}))
        .as_object_mut()
    else {
        return;
    };
    let reference = |dice: &mut Dice| json!({"reference": format!("{}/{}", dice.pick(&plant::TYPES), dice.pick(&plant::IDS))});
    if dice.chance(60) {
        meta.insert("project".to_owned(), json!(dice.pick(&plant::IDS)));
    }
    if dice.chance(50) {
        meta.insert("account".to_owned(), reference(dice));
    }
    if dice.chance(50) {
        let accounts = json!([reference(dice), reference(dice)]);
        meta.insert("accounts".to_owned(), accounts);
    }
    if dice.chance(10) {
        meta.insert("accounts".to_owned(), reference(dice));
    }
    if dice.chance(5) {
        meta.insert("project".to_owned(), json!(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_for_the_same_seed() {
        let table = Table::load().unwrap();
        let one = all(&table, 1).unwrap();
        assert_eq!(one, all(&table, 1).unwrap());
        assert_ne!(one, all(&table, 2).unwrap());
        for (resource_type, documents) in &one {
            let ids: BTreeSet<_> = documents
                .iter()
                .map(|document| document["id"].as_str().unwrap())
                .collect();
            assert_eq!(ids.len(), documents.len(), "{resource_type}");
            assert!(
                documents
                    .iter()
                    .all(|document| document["resourceType"] == *resource_type)
            );
        }
    }

    #[test]
    fn published_documents() {
        if folder().is_none() {
            println!(
                "skipped: HL7's examples and Synthea's patients are not here; criteria are tried on grown documents only"
            );
            return;
        }
        let mut documents = Documents::new();
        read(
            &folder().unwrap().join("examples-r4.ndjson.gz"),
            usize::MAX,
            &mut documents,
        )
        .unwrap();
        assert_eq!(documents.values().map(Vec::len).sum::<usize>(), 817);
    }
}
