//! A private copy of PostgreSQL.
//!
//! PostgreSQL finds its libraries and its `share` folder relative to the running program, so a copy of Debian's
//! folders works from anywhere. The extension is installed into that copy: the machine's own PostgreSQL, its clusters
//! and its configuration are neither used nor changed. Where Debian's packages are not installed, they are only
//! downloaded and unpacked, so no maintainer script creates or starts a cluster; just the shared libraries they
//! need are installed.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::apt;
use crate::console::{note, step};
use crate::process::{capture, run};
use crate::project::Project;

const PACKAGES: [&str; 3] = [
    "postgresql-15",
    "postgresql-client-15",
    "postgresql-server-dev-15",
];

/// The folders of an installation, below `/usr` in Debian's packages.
const FOLDERS: [&str; 3] = [
    "lib/postgresql/15",
    "share/postgresql/15",
    "include/postgresql",
];

/// The private PostgreSQL.
pub struct Server {
    root: PathBuf,
}

impl Server {
    /// The private PostgreSQL, made when it is not there yet.
    pub fn provide(project: &Project) -> Result<Self> {
        let server = Self {
            root: project.private("postgresql-15"),
        };
        if server.version().is_err() {
            server.create(project)?;
        }
        Ok(server)
    }

    /// A program of this PostgreSQL.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs().join(name)
    }

    /// The folder of the programs.
    pub fn programs(&self) -> PathBuf {
        self.root.join("lib/postgresql/15/bin")
    }

    /// Where loadable libraries are.
    pub fn libraries(&self) -> PathBuf {
        self.root.join("lib/postgresql/15/lib")
    }

    /// Where control files and scripts of extensions are.
    pub fn extensions(&self) -> PathBuf {
        self.root.join("share/postgresql/15/extension")
    }

    /// `PostgreSQL 15.x`, as both the server and its `pg_config` say.
    pub fn version(&self) -> Result<String> {
        let text = capture(Command::new(self.program("postgres")).arg("--version"))?;
        let folder = capture(Command::new(self.program("pg_config")).arg("--pkglibdir"))?;
        ensure!(
            Path::new(folder.trim()) == self.libraries(),
            "pg_config of the private PostgreSQL names {} as its libraries",
            folder.trim()
        );
        Ok(text.trim().replace("postgres (PostgreSQL)", "PostgreSQL"))
    }

    fn create(&self, project: &Project) -> Result<()> {
        let scratch = project.private("postgresql-15.new");
        remove(&scratch)?;
        remove(&self.root)?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&scratch)?;
        let installed = Path::new("/usr");
        if complete(installed) {
            step("copying PostgreSQL 15 into the project's target folder");
            copy_folders(installed, &scratch)?;
        } else {
            step("unpacking PostgreSQL 15 into the project's target folder");
            unpack(&scratch)?;
        }
        fs::rename(&scratch, &self.root)?;
        let version = self
            .version()
            .context("the private PostgreSQL does not run")?;
        note(&version);
        Ok(())
    }
}

/// Whether an installation has everything: server, client and the headers to build extensions with.
fn complete(root: &Path) -> bool {
    [
        "lib/postgresql/15/bin/postgres",
        "lib/postgresql/15/bin/initdb",
        "lib/postgresql/15/bin/psql",
        "lib/postgresql/15/bin/pg_config",
        "share/postgresql/15/postgres.bki",
        "include/postgresql/15/server/postgres.h",
    ]
    .iter()
    .all(|file| root.join(file).is_file())
}

/// Downloads the packages, unpacks them here, and installs the libraries that they need and the machine lacks.
fn unpack(root: &Path) -> Result<()> {
    let packages = root.join("packages");
    fs::create_dir(&packages)?;
    let files = apt::download(&PACKAGES, &packages)?;
    let unpacked = packages.join("unpacked");
    let mut libraries = Vec::new();
    for file in &files {
        run(Command::new("dpkg-deb")
            .arg("--extract")
            .arg(file)
            .arg(&unpacked))?;
        if !file.to_string_lossy().contains("-dev-") {
            libraries.extend(apt::missing_libraries(file)?);
        }
    }
    libraries.sort();
    libraries.dedup();
    apt::install(&libraries)?;
    ensure!(
        complete(&unpacked.join("usr")),
        "the packages {PACKAGES:?} do not hold a whole PostgreSQL"
    );
    copy_folders(&unpacked.join("usr"), root)?;
    remove(&packages)
}

fn copy_folders(from: &Path, to: &Path) -> Result<()> {
    FOLDERS
        .iter()
        .try_for_each(|folder| copy(&from.join(folder), &to.join(folder)))
}

/// Copies a folder, readable by everybody. Links stay links: those within the folder are relative. `bitcode` is left
/// out: only the JIT compiler's inlining uses it, and it is larger than the rest.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else if kind.is_file() {
            fs::copy(&source, &target)
                .with_context(|| format!("cannot copy {}", source.display()))?;
        } else if entry.file_name() != "bitcode" {
            copy(&source, &target)?;
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
