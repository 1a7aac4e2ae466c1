//! rustfmt and clippy, over the whole workspace.

use anyhow::Result;

use super::tally::Tally;
use crate::console::step;
use crate::process::passes;
use crate::project::Project;
use crate::setup;

/// Checks layout first, then lints; a warning is a failure.
pub fn run(project: &Project) -> Result<Tally> {
    let (_, tools) = setup::tools(project)?;
    step("cargo fmt --all --check");
    let mut format = tools.cargo();
    format
        .args(["fmt", "--all", "--", "--check"])
        .current_dir(project.root());
    let mut tally = Tally::of("rustfmt", passes(&mut format));
    step("cargo clippy --workspace --all-targets");
    let mut clippy = tools.cargo();
    clippy
        .args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ])
        .current_dir(project.root());
    tally.add(Tally::of("clippy", passes(&mut clippy)));
    Ok(tally)
}
