//! rustfmt and clippy, over the whole workspace and the packages beside it.

use std::path::PathBuf;

use anyhow::Result;

use super::clients;
use super::tally::Tally;
use crate::console::step;
use crate::process::passes;
use crate::project::Project;
use crate::setup;

/// Checks layout first, then lints; a warning is a failure. The test programs in Rust and the fuzz targets are packages of
/// their own.
pub fn run(project: &Project) -> Result<Tally> {
    let (_, tools) = setup::tools(project)?;
    setup::cxx_compiler()?;
    let mut tally = Tally::default();
    step("cargo fmt --all --check, cargo clippy --all-targets");
    let format = ["fmt", "--all", "--", "--check"];
    let clippy = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    for folder in packages(project)? {
        let name = project.short(&folder);
        for (tool, arguments) in [
            ("rustfmt", format.as_slice()),
            ("clippy", clippy.as_slice()),
        ] {
            let mut command = tools.cargo();
            command
                .args(arguments)
                .current_dir(&folder)
                .env("CARGO_TARGET_DIR", project.cargo_target());
            tally.add(Tally::of(
                &format!("{tool} in {name}"),
                passes(&mut command),
            ));
        }
    }
    Ok(tally)
}

/// The workspace, and the test programs and fuzz targets outside it.
fn packages(project: &Project) -> Result<Vec<PathBuf>> {
    let mut packages = vec![project.root().to_path_buf(), project.root().join("fuzz")];
    for kind in ["client", "criteria", "real"] {
        let folder = project.root().join("tests").join(kind);
        if folder.is_dir() {
            packages.extend(clients::folders(&folder)?);
        }
    }
    packages.retain(|folder| folder.join("Cargo.toml").is_file());
    Ok(packages)
}
