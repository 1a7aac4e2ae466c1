//! On what, with what, and beside what something was measured.

use std::fs;
use std::process::Command;

use anyhow::Result;
use serde::Serialize;

use crate::process::capture;
use crate::project::Project;

/// The machine, the versions, and how busy the machine was with other things.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// When the measurement began, in UTC.
    pub date: String,
    pub cpu: String,
    pub cores: usize,
    pub memory_gib: f64,
    pub kernel: String,
    pub postgresql: String,
    /// The commit that was measured; `+` where the clone has changes beside it.
    pub commit: String,
    /// The load of the last minute as the measurement began, and as it ended.
    pub load_before: f64,
    pub load_after: f64,
}

impl Machine {
    /// What this machine is now.
    pub fn now(project: &Project, postgresql: String) -> Result<Self> {
        let mut cores = 0;
        let mut cpu = None;
        for line in fs::read_to_string("/proc/cpuinfo")
            .unwrap_or_default()
            .lines()
        {
            if let Some(("model name", name)) = field(line) {
                cores += 1;
                cpu.get_or_insert_with(|| name.to_owned());
            }
        }
        let cores = match cores {
            0 => std::thread::available_parallelism()?.get(),
            cores => cores,
        };
        let load = Self::load();
        Ok(Self {
            date: capture(Command::new("date").args(["--utc", "+%Y-%m-%d %H:%M UTC"]))?
                .trim()
                .to_owned(),
            cpu: cpu.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores,
            memory_gib: memory_gib(&fs::read_to_string("/proc/meminfo").unwrap_or_default()),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .unwrap_or_default()
                .trim()
                .to_owned(),
            postgresql,
            commit: commit(project),
            load_before: load,
            load_after: load,
        })
    }

    /// The load of the last minute.
    pub fn load() -> f64 {
        let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let first = text.split(' ').next().unwrap_or_default();
        first.parse().unwrap_or(f64::NAN)
    }

    /// The measurement has ended.
    pub fn end(&mut self) {
        self.load_after = Self::load();
    }

    /// For a reader, on one line.
    pub fn line(&self) -> String {
        format!(
            "{}, {} cores, {:.0} GiB, Linux {}, {}, commit {}, {}, load {:.1} before and {:.1} after",
            self.cpu,
            self.cores,
            self.memory_gib,
            self.kernel,
            self.postgresql,
            self.commit,
            self.date,
            self.load_before,
            self.load_after,
        )
    }
}

/// `name : value`
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    Some((name.trim(), value.trim()))
}

fn memory_gib(text: &str) -> f64 {
    text.lines()
        .filter_map(field)
        .find(|(name, _)| *name == "MemTotal")
        .and_then(|(_, value)| value.strip_suffix(" kB")?.parse::<f64>().ok())
        .map_or(0.0, |kib| kib / 1024.0 / 1024.0)
}

/// Of a source archive without a repository, nothing is known.
fn commit(project: &Project) -> String {
    let git = |arguments: &[&str]| {
        capture(
            Command::new("git")
                .args(arguments)
                .current_dir(project.root()),
        )
    };
    let Ok(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let changed = git(&["status", "--porcelain"]).is_ok_and(|text| !text.trim().is_empty());
    format!("{}{}", commit.trim(), if changed { "+" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_system_says() {
        assert_eq!(memory_gib("MemFree: 1 kB\nMemTotal:  8388608 kB\n"), 8.0);
        assert_eq!(memory_gib(""), 0.0);
        assert_eq!(field("model name\t: A: B"), Some(("model name", "A: B")));
        assert!(Machine::load() >= 0.0);
    }
}
