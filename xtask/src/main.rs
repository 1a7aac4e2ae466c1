//! `cargo xtask`: sets up, demonstrates, tests and measures fhir_access.

mod bench;
mod cluster;
mod console;
mod demo;
mod generate;
mod process;
mod project;
mod setup;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::project::Project;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Sets up, demonstrates, tests and measures fhir_access."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing and build the extension, without running anything.
    Setup,
    /// Show a small clinic's database to everybody who works with it.
    Demo(demo::Options),
    /// Check everything: layout, lints, licences, unit tests, SQL, drivers, real data.
    Test(test::Options),
    /// Measure what row security costs, against the same predicate written by hand.
    Bench(bench::Options),
    /// Regenerate the tables of search parameters and elements from the FHIR definitions.
    Generate {
        /// A folder with the definitions; without it, they are fetched with npm.
        #[arg(value_name = "FOLDER")]
        _definitions: Option<String>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments.command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{} {error:#}", console::red("error:"));
            ExitCode::FAILURE
        }
    }
}

/// Runs a command. False means that it ran and its verdict is bad.
fn run(command: &Command) -> Result<bool> {
    let project = Project::locate()?;
    match command {
        Command::Setup => setup::all(&project).map(|ready| {
            console::note(&format!("{} is ready", ready.server.programs().display()));
            true
        }),
        Command::Test(options) => test::run(&project, options),
        Command::Bench(options) => bench::run(&project, options),
        Command::Generate { .. } => generate::run().map(|()| true),
        Command::Demo(options) => demo::run(&project, options).map(|()| true),
    }
}
