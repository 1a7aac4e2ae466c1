//! Where things are: the clone, its `target` folder, and the folder for what the database server's user must reach.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::console;
use crate::process::{self, Account};

/// The clone this program was built from.
pub struct Project {
    root: PathBuf,
    private: PathBuf,
    account: Account,
}

impl Project {
    /// Finds the clone, and decides where the private server lives: in `target`, unless the server's user cannot get
    /// there (a clone in root's home, say); then in a folder of its own below `/var/tmp`.
    pub fn locate() -> Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .parent()
            .context("xtask has no parent folder")?
            .canonicalize()
            .context("cannot find the project's folder")?;
        let target = root.join("target");
        fs::create_dir_all(&target)
            .with_context(|| format!("cannot create {}", target.display()))?;
        let account = Account::for_server()?;
        let private = if account.can_enter(&target) {
            target
        } else {
            outside_folder(&root)?
        };
        Ok(Self {
            root,
            private,
            account,
        })
    }

    /// The clone's top folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A folder below `target`: tools, packages, results.
    pub fn target(&self, name: &str) -> PathBuf {
        self.root.join("target").join(name)
    }

    /// Where cargo builds: `target`, unless the caller says otherwise.
    pub fn cargo_target(&self) -> PathBuf {
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.root.join("target"), PathBuf::from)
    }

    /// A folder that the server's user can reach: the server's files and the clusters.
    pub fn private(&self, name: &str) -> PathBuf {
        self.private.join(name)
    }

    /// Waits until no other `cargo xtask` of this clone holds the lock of that name, and holds it while the file is open.
    pub fn lock(&self, name: &str) -> Result<fs::File> {
        let path = self.root.join("target").join(format!("{name}.lock"));
        let file =
            fs::File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        if file.try_lock().is_err() {
            console::step(&format!("waiting for another cargo xtask ({name})"));
            file.lock()
                .with_context(|| format!("cannot lock {}", path.display()))?;
        }
        Ok(file)
    }

    /// Who runs the private server.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The path as a reader in the current folder would type it.
    pub fn short(&self, path: &Path) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        path.strip_prefix(&here)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

/// A folder below `/var/tmp` named after the clone. It must be ours: anybody may create names there.
fn outside_folder(root: &Path) -> Result<PathBuf> {
    let name = format!(
        "fhir_access-{:012x}",
        process::digest(root.as_os_str().as_encoded_bytes()) >> 16
    );
    let folder = Path::new("/var/tmp").join(name);
    match fs::DirBuilder::new().mode(0o755).create(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("cannot create {}", folder.display()));
        }
        _ => {}
    }
    let found = fs::symlink_metadata(&folder)?;
    ensure!(
        found.is_dir() && found.uid() == process::effective_uid()?,
        "{} belongs to somebody else; remove it first",
        folder.display()
    );
    Ok(folder)
}
