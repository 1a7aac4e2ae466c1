//! cargo-pgrx and cargo-fuzz, in the project's `target/tools`, and cargo-pgrx's configuration, in `target/pgrx`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Server, apt};
use crate::console::step;
use crate::process::{capture, cargo, in_path, run, succeeds, without_cargo_variables};
use crate::project::Project;

/// The version that the extension's `pgrx` is pinned to.
const CARGO_PGRX: &str = "0.18.1";

/// The version of cargo-fuzz.
const CARGO_FUZZ: &str = "0.13.2";

/// cargo-pgrx and its configuration.
pub struct Tools {
    cargo_pgrx: PathBuf,
    home: PathBuf,
}

impl Tools {
    /// Installs what is missing.
    pub fn provide(project: &Project, server: &Server) -> Result<Self> {
        let tools = project.target("tools");
        let this = Self {
            cargo_pgrx: tools.join("bin/cargo-pgrx"),
            home: project.target("pgrx"),
        };
        if !has_libclang() {
            apt::install(&["libclang-dev"])?;
        }
        if !this.is_installed() {
            let mut missing = Vec::new();
            if !in_path("pkg-config") {
                missing.push("pkg-config");
            }
            if missing.is_empty()
                && succeeds(Command::new("pkg-config").args(["--exists", "openssl"]))
            {
                // OpenSSL's headers are there.
            } else {
                missing.push("libssl-dev");
            }
            apt::install(&missing)?;
            install(project, "cargo-pgrx", CARGO_PGRX)?;
        }
        this.configure(server)?;
        Ok(this)
    }

    /// `cargo pgrx`, ready for its subcommand.
    pub fn pgrx(&self) -> Command {
        let mut command = without_cargo_variables(Command::new(&self.cargo_pgrx));
        command.arg("pgrx").env("PGRX_HOME", &self.home);
        command
    }

    /// Cargo, for packages that build against PostgreSQL.
    pub fn cargo(&self) -> Command {
        let mut command = cargo();
        command.env("PGRX_HOME", &self.home);
        command
    }

    fn is_installed(&self) -> bool {
        is_version(
            Command::new(&self.cargo_pgrx).args(["pgrx", "--version"]),
            CARGO_PGRX,
        )
    }

    /// Tells pgrx where the private PostgreSQL is.
    fn configure(&self, server: &Server) -> Result<()> {
        let pg_config = server.program("pg_config");
        let known = fs::read_to_string(self.home.join("config.toml")).unwrap_or_default();
        if known.contains(&format!("{:?}", pg_config)) {
            return Ok(());
        }
        fs::create_dir_all(&self.home)?;
        let mut argument = std::ffi::OsString::from("--pg15=");
        argument.push(&pg_config);
        capture(self.pgrx().args(["init", "--no-run"]).arg(argument))
            .context("cargo pgrx init failed")
            .map(drop)
    }
}

/// cargo-fuzz, installed when it is missing, and the compiler that libFuzzer is built with.
pub fn cargo_fuzz(project: &Project) -> Result<Command> {
    cxx_compiler()?;
    let program = project.target("tools").join("bin/cargo-fuzz");
    if !is_version(Command::new(&program).arg("--version"), CARGO_FUZZ) {
        install(project, "cargo-fuzz", CARGO_FUZZ)?;
    }
    Ok(without_cargo_variables(Command::new(program)))
}

/// The compiler that libFuzzer is built with.
pub fn cxx_compiler() -> Result<()> {
    if in_path("c++") {
        return Ok(());
    }
    apt::install(&["g++"])
}

/// Builds a program into `target/tools`.
fn install(project: &Project, package: &str, version: &str) -> Result<()> {
    step(&format!(
        "installing {package} {version} into the project's target folder"
    ));
    run(cargo()
        .args(["install", "--locked", "--quiet", package])
        .arg(format!("--version={version}"))
        .arg("--root")
        .arg(project.target("tools"))
        .env("CARGO_TARGET_DIR", project.target("tools-build")))?;
    fs::remove_dir_all(project.target("tools-build")).ok();
    Ok(())
}

/// Whether a program says that it has this version.
fn is_version(command: &mut Command, version: &str) -> bool {
    capture(command).is_ok_and(|text| text.split_whitespace().last() == Some(version))
}

/// Whether the library that reads PostgreSQL's headers is there, with the compiler's own headers.
fn has_libclang() -> bool {
    let is_library = |folder: &Path| {
        fs::read_dir(folder).is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                name.starts_with("libclang.so") || name.starts_with("libclang-")
            })
        })
    };
    if std::env::var_os("LIBCLANG_PATH").is_some() {
        return true;
    }
    fs::read_dir("/usr/lib").is_ok_and(|entries| {
        entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm-"))
            .any(|entry| {
                is_library(&entry.path().join("lib")) && entry.path().join("lib/clang").is_dir()
            })
    })
}
