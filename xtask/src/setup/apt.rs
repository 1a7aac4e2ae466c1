//! Debian's packages: asked for only where something is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::console::step;
use crate::process::{self, capture};

/// Installs packages, with sudo unless the caller is root. Nothing happens for an empty list.
pub fn install<S: AsRef<str>>(packages: &[S]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = packages.iter().map(AsRef::as_ref).collect();
    step(&format!("installing {} (apt)", names.join(" ")));
    refresh()?;
    // Progress of the single packages is of no interest; when one fails, the error holds it all.
    capture(
        as_root()?
            .args([
                "apt-get",
                "install",
                "--yes",
                "--quiet=2",
                "--no-install-recommends",
            ])
            .args(names),
    )
    .map(drop)
}

/// Fetches the `.deb` files of packages into a folder, without installing them.
pub fn download(packages: &[&str], folder: &Path) -> Result<Vec<PathBuf>> {
    let fetch = || {
        let mut command = Command::new("apt-get");
        command.args(["download", "--quiet=2"]).args(packages);
        command.current_dir(folder);
        command
    };
    require_apt()?;
    if !process::succeeds(&mut fetch()) {
        refresh()?;
        capture(&mut fetch())?;
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .collect();
    files.sort();
    ensure!(
        files.len() == packages.len(),
        "apt-get download left {} files for {packages:?}",
        files.len()
    );
    Ok(files)
}

/// The shared libraries a `.deb` file depends on, which are not installed.
pub fn missing_libraries(file: &Path) -> Result<Vec<String>> {
    let field = capture(
        Command::new("dpkg-deb")
            .arg("--field")
            .arg(file)
            .arg("Depends"),
    )?;
    Ok(libraries(&field)
        .into_iter()
        .filter(|package| !installed(package))
        .collect())
}

/// Whether a package is installed.
pub fn installed(package: &str) -> bool {
    capture(Command::new("dpkg-query").args([
        "--show",
        "--showformat=${db:Status-Status}",
        package,
    ]))
    .is_ok_and(|status| status.starts_with("installed"))
}

/// The names of libraries in a `Depends` field, the first of each alternative. Server packages, and what their
/// maintainer scripts ask for, are not libraries.
fn libraries(field: &str) -> Vec<String> {
    field
        .split(',')
        .filter_map(|item| item.split('|').next())
        .filter_map(|item| item.split_whitespace().next())
        .filter_map(|item| item.split(':').next())
        .filter(|name| {
            (name.starts_with("lib") && !name.ends_with("-dev"))
                || matches!(*name, "zlib1g" | "tzdata")
        })
        .map(str::to_owned)
        .collect()
}

/// Reads the package lists anew.
fn refresh() -> Result<()> {
    capture(as_root()?.args(["apt-get", "update", "--quiet=2"])).map(drop)
}

/// `env` as root, ready for more arguments.
fn as_root() -> Result<Command> {
    require_apt()?;
    let mut command = if process::effective_uid()? == 0 {
        Command::new("env")
    } else {
        ensure!(
            process::in_path("sudo"),
            "packages must be installed, and this user is not root and has no sudo"
        );
        let mut command = Command::new("sudo");
        command.arg("env");
        command
    };
    command.args(["DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"]);
    Ok(command)
}

fn require_apt() -> Result<()> {
    process::in_path("apt-get").then_some(()).context(
        "this command installs what is missing on Debian and its kin; elsewhere, install PostgreSQL 15 with its server \
         headers below /usr, libclang, pkg-config and the headers of OpenSSL first",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dependencies() {
        let field = "locales | locales-all, postgresql-client-15, ssl-cert, tzdata, debconf (>= 0.5) | debconf-2.0, \
                     libc6 (>= 2.34), libicu72 (>= 72.1~rc-1~), libpq-dev (>= 15~~), zlib1g:any (>= 1:1.1.4)\n";
        assert_eq!(libraries(field), ["tzdata", "libc6", "libicu72", "zlib1g"]);
    }
}
