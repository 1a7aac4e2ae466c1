//! Licences and sources of every dependency, as `deny.toml` allows them.
//!
//! cargo-deny checks them where it is installed; building it takes longer than all other tests, so where it is not,
//! the same rules are read here and held against `cargo metadata`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::tally::Tally;
use crate::console::{red, step};
use crate::process::{capture, cargo, passes, succeeds};
use crate::project::Project;

/// The part of `deny.toml` that is checked here.
#[derive(Deserialize)]
struct Rules {
    licenses: Licences,
}

#[derive(Deserialize)]
struct Licences {
    allow: HashSet<String>,
}

/// The part of `cargo metadata` that is looked at.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

/// Runs the check.
pub fn run(project: &Project) -> Result<Tally> {
    let mut tally = if succeeds(Command::new("cargo").args(["deny", "--version"])) {
        step("cargo deny check licenses bans sources");
        let mut deny = cargo();
        deny.args(["deny", "--offline", "check", "licenses", "bans", "sources"]);
        Tally::of("cargo deny", passes(deny.current_dir(project.root())))
    } else {
        step("licences and sources of all dependencies (cargo-deny is not installed)");
        own_check(project)?
    };
    tally.add(advisories(project));
    Ok(tally)
}

/// Known vulnerabilities: only where both cargo-deny and its database are there already.
fn advisories(project: &Project) -> Tally {
    let home = std::env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo"),
        PathBuf::from,
    );
    if !home.join("advisory-dbs").is_dir()
        || !succeeds(Command::new("cargo").args(["deny", "--version"]))
    {
        return Tally::skipped(
            "advisories",
            "no cargo-deny with a local database of advisories",
        );
    }
    step("cargo deny check advisories");
    let mut deny = cargo();
    deny.args(["deny", "--offline", "check", "advisories"]);
    Tally::of("advisories", passes(deny.current_dir(project.root())))
}

fn own_check(project: &Project) -> Result<Tally> {
    let text = std::fs::read_to_string(project.root().join("deny.toml"))
        .context("cannot read deny.toml")?;
    let rules: Rules = toml::from_str(&text).context("deny.toml is not as expected")?;
    let mut metadata = cargo();
    metadata.args([
        "metadata",
        "--format-version=1",
        "--locked",
        "--all-features",
    ]);
    metadata
        .arg("--filter-platform=x86_64-unknown-linux-gnu")
        .current_dir(project.root());
    let metadata: Metadata = serde_json::from_str(&capture(&mut metadata)?)?;
    let mut tally = Tally::default();
    for package in &metadata.packages {
        let complaint = complaint(package, &rules.licenses.allow);
        if let Some(complaint) = &complaint {
            println!("{}", red(complaint));
        }
        let name = format!("licence or source of {}", package.name);
        // All packages together are one check; each bad one is a failure.
        if complaint.is_some() {
            tally.add(Tally::failed(&name));
        }
    }
    if tally.is_empty() {
        println!("  {} packages", metadata.packages.len());
        tally = Tally::passed(1);
    }
    Ok(tally)
}

/// What is wrong with a package, if anything is.
fn complaint(package: &Package, allowed: &HashSet<String>) -> Option<String> {
    let Package { name, version, .. } = package;
    let is_from_crates_io =
        |source: &String| source.starts_with("registry+") && source.contains("crates.io");
    if package
        .source
        .as_ref()
        .is_some_and(|source| !is_from_crates_io(source))
    {
        return Some(format!("{name} {version} does not come from crates.io"));
    }
    let Some(licence) = &package.license else {
        return Some(format!("{name} {version} names no licence"));
    };
    match spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX) {
        Err(_) => Some(format!(
            "{name} {version}: {licence} is not an SPDX expression"
        )),
        Ok(expression) if expression.evaluate(|term| allowed.contains(&term.to_string())) => None,
        Ok(_) => Some(format!(
            "{name} {version}: {licence} is not allowed by deny.toml"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(licence: &str, source: Option<&str>) -> Option<String> {
        let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        let package = Package {
            name: "x".to_owned(),
            version: "1.0.0".to_owned(),
            license: (!licence.is_empty()).then(|| licence.to_owned()),
            source: source.map(str::to_owned),
        };
        complaint(&package, &allowed.into_iter().collect())
    }

    #[test]
    fn expressions_are_evaluated() {
        assert_eq!(check("MIT", None), None);
        assert_eq!(check("GPL-3.0-only OR MIT", None), None);
        assert_eq!(check("MIT/Apache-2.0", None), None);
        assert_eq!(check("Apache-2.0 WITH LLVM-exception", None), None);
        assert!(check("GPL-3.0-only AND MIT", None).is_some());
        assert!(check("", None).is_some());
    }

    #[test]
    fn sources_are_checked() {
        assert!(check("MIT", Some("git+https://example.org/x")).is_some());
        assert_eq!(
            check(
                "MIT",
                Some("registry+https://github.com/rust-lang/crates.io-index")
            ),
            None
        );
    }
}
