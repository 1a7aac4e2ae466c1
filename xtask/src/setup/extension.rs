//! The extension: built for release by cargo-pgrx, installed in the private PostgreSQL.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::{Server, Tools};
use crate::process::{capture, digest, run};
use crate::project::Project;

/// The extension as it is installed.
pub struct Extension {
    /// Changes whenever the library, the control file or a script does.
    pub digest: u64,
}

impl Extension {
    /// Builds, and replaces what the private PostgreSQL has. A server that is up keeps running what it has loaded;
    /// new sessions load the new library.
    pub fn install(project: &Project, server: &Server, tools: &Tools) -> Result<Self> {
        let files = build(project, server, tools, "package", &[])?;
        let mut hash = String::new();
        let mut library = false;
        for file in &files {
            let name = file.file_name().context("a file without a name")?;
            let folder = match file.extension().and_then(|extension| extension.to_str()) {
                Some("so") => {
                    library = true;
                    server.libraries()
                }
                Some("control" | "sql") => server.extensions(),
                _ => continue,
            };
            let content = fs::read(file)?;
            hash.push_str(&format!(
                "{}={:x};",
                name.to_string_lossy(),
                digest(&content)
            ));
            replace(&folder.join(name), &content)?;
        }
        ensure!(library, "cargo pgrx package built no library");
        Ok(Self {
            digest: digest(hash.as_bytes()),
        })
    }
}

/// A library that is installed for a while in the place of the extension's.
pub struct Substitute {
    place: PathBuf,
    original: Vec<u8>,
}

impl Substitute {
    /// Builds the library with a feature that no release has, and puts it in the other's place: for sessions that begin while
    /// this is there.
    pub fn install(
        project: &Project,
        server: &Server,
        tools: &Tools,
        feature: &str,
    ) -> Result<Self> {
        let files = build(
            project,
            server,
            tools,
            &format!("package-{feature}"),
            &["--features", feature],
        )?;
        let library = files
            .iter()
            .find(|file| file.extension().is_some_and(|extension| extension == "so"))
            .context("cargo pgrx package built no library")?;
        let place = server
            .libraries()
            .join(library.file_name().context("a file without a name")?);
        let substitute = Self {
            original: fs::read(&place)?,
            place,
        };
        replace(&substitute.place, &fs::read(library)?)?;
        Ok(substitute)
    }

    /// Puts the extension's own library back. Where that cannot happen, the next install does it.
    pub fn remove(self) -> Result<()> {
        replace(&self.place, &self.original)
    }
}

/// Builds the extension into a folder below `target`, and says what is in it.
fn build(
    project: &Project,
    server: &Server,
    tools: &Tools,
    folder: &str,
    options: &[&str],
) -> Result<Vec<PathBuf>> {
    let package = project.target(folder);
    fs::remove_dir_all(&package).ok();
    let mut build = tools.pgrx();
    build
        .args(["package", "--pg-config"])
        .arg(server.program("pg_config"))
        .arg("--out-dir")
        .arg(&package)
        .args(options)
        .current_dir(project.root());
    // A log needs neither progress nor colours, which cargo-pgrx always uses; an error shows them all.
    if std::io::stderr().is_terminal() {
        run(&mut build)?;
    } else {
        capture(&mut build)?;
    }
    let mut files = Vec::new();
    find_files(&package, &mut files)?;
    files.sort();
    Ok(files)
}

/// Puts a new file in the place of an old one, which stays whole for whoever has it open.
fn replace(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let scratch = path.with_extension("new");
    fs::write(&scratch, content).with_context(|| format!("cannot write {}", scratch.display()))?;
    fs::rename(&scratch, path).with_context(|| format!("cannot replace {}", path.display()))
}

fn find_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            find_files(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
