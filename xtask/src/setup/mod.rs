//! What the other commands need, installed once: packages of the machine, a private PostgreSQL, cargo-pgrx, the
//! extension. Everything but the packages goes below the project's `target`; when all is there, it takes seconds.

mod apt;
mod extension;
mod server;
mod tools;

use std::process::Command;

use anyhow::Result;

use crate::console::step;
use crate::project::Project;

pub use extension::{Extension, Substitute};
pub use server::Server;
pub use tools::{Tools, cxx_compiler};

/// The folder for downloads, packages and tools is `target`; this is all that is ready there.
pub struct Ready {
    /// The private PostgreSQL, with the extension installed.
    pub server: Server,
    /// The extension as it is installed.
    pub extension: Extension,
}

/// PostgreSQL and the build tools, without the extension: enough for clippy and unit tests.
pub fn tools(project: &Project) -> Result<(Server, Tools)> {
    let _lock = project.lock("setup")?;
    let server = Server::provide(project)?;
    let tools = Tools::provide(project, &server)?;
    Ok((server, tools))
}

/// Everything, with a release build of the extension installed in the private PostgreSQL.
pub fn all(project: &Project) -> Result<Ready> {
    let (server, tools) = tools(project)?;
    let _lock = project.lock("setup")?;
    step("building the extension (release)");
    let extension = Extension::install(project, &server, &tools)?;
    Ok(Ready { server, extension })
}

/// The extension's library, built with a feature for tests, in the place of the release's.
pub fn substitute(project: &Project, server: &Server, feature: &str) -> Result<Substitute> {
    let (_, tools) = tools(project)?;
    let _lock = project.lock("setup")?;
    step(&format!("building the extension (with {feature})"));
    Substitute::install(project, server, &tools, feature)
}

/// cargo-fuzz, ready for its subcommand.
pub fn fuzzer(project: &Project) -> Result<Command> {
    let _lock = project.lock("setup")?;
    tools::cargo_fuzz(project)
}

/// Installs packages of the machine.
pub fn packages(packages: &[&str]) -> Result<()> {
    apt::install(packages)
}

/// Installs the packages of programs that are missing: pairs of program and package.
pub fn programs(programs: &[(&str, &str)]) -> Result<()> {
    let missing: Vec<&str> = programs
        .iter()
        .filter(|(program, _)| !crate::process::in_path(program))
        .map(|(_, package)| *package)
        .collect();
    apt::install(&missing)
}
