//! Other programs: running them, as whom, and saying clearly which one failed.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use crate::console::red;

/// Runs a program whose output the reader should see, all of it on standard error.
pub fn run(command: &mut Command) -> Result<()> {
    command.stdout(std::io::stderr());
    let status = command.status().with_context(|| cannot_start(command))?;
    judge(command, status)
}

/// Runs a program for its standard output. On failure the error holds what it wrote to standard error.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| cannot_start(command))?;
    if !output.status.success() {
        bail!(
            "{} failed ({}):\n{}{}",
            describe(command),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program can be started and ends well. Its output is dropped.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a program whose output the reader should see, and says what failed, if it did. Returns whether it ended well.
pub fn passes(command: &mut Command) -> bool {
    run(command)
        .inspect_err(|error| println!("{}", red(&error.to_string())))
        .is_ok()
}

/// Runs a program and hands each line of its standard output to `look` as it comes. Standard error goes through.
/// Returns whether the program ended well.
pub fn watch(command: &mut Command, mut look: impl FnMut(&str)) -> Result<bool> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| cannot_start(command))?;
    if let Some(stdout) = child.stdout.take() {
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            look(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    }
    Ok(child.wait()?.success())
}

/// Cargo, without the variables that `cargo xtask` itself runs under: build scripts watch some of them.
pub fn cargo() -> Command {
    without_cargo_variables(Command::new("cargo"))
}

/// Removes from a command's environment what cargo set for this program.
pub fn without_cargo_variables(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
            || name == "CARGO_PRIMARY_PACKAGE"
            || name == "CARGO_BIN_NAME"
            || name == "CARGO"
        {
            command.env_remove(&*name);
        }
    }
    command
}

/// Whether a program of this name is in the search path.
pub fn in_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

/// The user this program acts as.
pub fn effective_uid() -> Result<u32> {
    Ok(std::fs::metadata("/proc/self")
        .context("/proc is not mounted")?
        .uid())
}

/// A digest (FNV-1a) to notice changes by. Not for anything an enemy could want to forge.
pub fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Who runs the private server. PostgreSQL refuses to be run by root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// The user who runs `cargo xtask`.
    Caller,
    /// Somebody else, because the caller is root.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// The caller, or for root the system's `postgres` user, or where there is none `nobody`.
    pub fn for_server() -> Result<Self> {
        if effective_uid()? != 0 {
            return Ok(Self::Caller);
        }
        let users = std::fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| find_user(&users, name))
            .context("running as root, and there is neither a user postgres nor a user nobody")
    }

    /// A command that this account runs, from the root folder, with a small environment.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env_clear();
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
        if let Self::Other { uid, gid } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Makes a folder this account's own.
    pub fn own(&self, folder: &Path) -> Result<()> {
        if let Self::Other { uid, gid } = self {
            std::os::unix::fs::chown(folder, Some(*uid), Some(*gid))
                .with_context(|| format!("cannot give {} away", folder.display()))?;
        }
        Ok(())
    }

    /// Whether this account can get into a folder.
    pub fn can_enter(&self, folder: &Path) -> bool {
        *self == Self::Caller || succeeds(self.command("test").arg("-x").arg(folder))
    }
}

/// A user's line in `/etc/passwd`: `name:password:uid:gid:…`.
fn find_user(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account::Other { uid, gid })
    })
}

fn judge(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() {
        Ok(())
    } else {
        bail!("{} failed ({status})", describe(command))
    }
}

fn cannot_start(command: &Command) -> String {
    format!("cannot run {}", describe(command))
}

/// The command as a reader would type it.
fn describe(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_user() {
        let users = "root:x:0:0:root:/root:/bin/bash\npostgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(
            find_user(users, "postgres"),
            Some(Account::Other { uid: 101, gid: 104 })
        );
        assert_eq!(find_user(users, "post"), None);
    }

    #[test]
    fn a_failure_says_what_was_written() {
        let error =
            capture(Command::new("sh").args(["-c", "echo broken >&2; exit 3"])).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("broken") && text.contains("exit status: 3"),
            "{text}"
        );
    }

    #[test]
    fn digests_differ() {
        assert_ne!(digest(b"a"), digest(b"b"));
        assert_eq!(digest(b""), 0xcbf2_9ce4_8422_2325);
    }
}
