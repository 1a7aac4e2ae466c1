//! A private PostgreSQL cluster: its own data folder, its own socket folder, its own port.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use postgres::{Client, NoTls};

use crate::process::{self, Account, capture};
use crate::project::Project;
use crate::setup::Server;

/// The longest path of a socket that the system takes, with room for the file's name.
const LONGEST_SOCKET_FOLDER: usize = 80;

/// The superuser of every private cluster.
pub const SUPERUSER: &str = "postgres";

/// What a cluster is for decides how it is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Stays, and is only reached over its socket.
    Demo,
    /// Is made anew each time, does not survive a crash of the machine, and listens on the loopback interface too, as
    /// client addresses are part of what is tested.
    Test,
    /// Is made anew each time, with memory enough to measure.
    Bench,
}

/// A private cluster.
pub struct Cluster {
    server: PathBuf,
    account: Account,
    purpose: Purpose,
    folder: PathBuf,
    socket: PathBuf,
    port: u16,
}

impl Cluster {
    /// The cluster for a purpose, as it is: perhaps not there yet, perhaps running.
    pub fn find(project: &Project, purpose: Purpose) -> Result<Self> {
        let (name, port) = match purpose {
            Purpose::Demo => ("demo", 54_315),
            Purpose::Test => ("test", free_port()?),
            // What benches leave behind is in `bench`.
            Purpose::Bench => ("bench-cluster", 54_317),
        };
        let folder = project.private(name);
        let socket = socket_folder(&folder);
        Ok(Self {
            server: project.private("postgresql-15"),
            account: project.account().clone(),
            purpose,
            folder,
            socket,
            port,
        })
    }

    /// A cluster made anew and started. What was there is stopped and removed.
    pub fn fresh(project: &Project, server: &Server, purpose: Purpose) -> Result<Self> {
        let cluster = Self::find(project, purpose)?;
        cluster.remove()?;
        cluster.create(server)?;
        cluster.start()?;
        Ok(cluster)
    }

    /// The cluster, made if it is not there, started if it is not running. Tells whether it was made.
    pub fn up(project: &Project, server: &Server, purpose: Purpose) -> Result<(Self, bool)> {
        let cluster = Self::find(project, purpose)?;
        let new = !cluster.data().join("PG_VERSION").exists();
        if new {
            cluster.remove()?;
            cluster.create(server)?;
        }
        if !cluster.is_running() {
            cluster.start()?;
        }
        Ok((cluster, new))
    }

    /// Whether its server is up.
    pub fn is_running(&self) -> bool {
        process::succeeds(self.control("status").arg("--silent"))
    }

    /// Stops the server, if it is up, and waits for that.
    pub fn stop(&self) -> Result<()> {
        if self.is_running() {
            capture(self.control("stop").args(["--mode=fast", "--wait"]))?;
        }
        Ok(())
    }

    /// Stops the server and removes the cluster.
    pub fn remove(&self) -> Result<()> {
        if self.is_running() {
            capture(self.control("stop").args(["--mode=immediate", "--wait"]))?;
        }
        for folder in [&self.socket, &self.folder] {
            match fs::remove_dir_all(folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error)
                        .with_context(|| format!("cannot remove {}", folder.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The folder of the cluster's socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The port: part of the socket's name, and for tests the TCP port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A connection over the socket.
    pub fn connect(&self, role: &str, database: &str) -> Result<Client> {
        postgres::Config::new()
            .host_path(&self.socket)
            .port(self.port)
            .user(role)
            .dbname(database)
            .application_name("cargo xtask")
            .connect_timeout(Duration::from_secs(10))
            .connect(NoTls)
            .with_context(|| format!("cannot connect to database {database} as {role}"))
    }

    /// The variables by which libpq and most drivers find this cluster, as its superuser.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("PGHOST", self.socket.display().to_string()),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", SUPERUSER.to_owned()),
        ];
        if let Ok(password) = fs::read_to_string(self.password_file()) {
            variables.push(("PGPASSWORD", password.trim().to_owned()));
        }
        variables
    }

    /// The last lines of the server's log.
    pub fn log_tail(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.len().saturating_sub(15);
        lines.get(tail..).unwrap_or_default().join("\n")
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// The number of the server's process, which starts those of its connections.
    pub fn process(&self) -> Result<i64> {
        let file = self.data().join("postmaster.pid");
        let lines =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let number = lines.lines().next().unwrap_or_default();
        number
            .trim()
            .parse()
            .with_context(|| format!("{} has no process", file.display()))
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn password_file(&self) -> PathBuf {
        self.folder.join("password")
    }

    fn create(&self, server: &Server) -> Result<()> {
        self.create_folder(&self.folder)?;
        write_private(&self.password_file(), &random_password()?)?;
        self.account.own(&self.password_file())?;
        // Under its name, the data folder is whole.
        let scratch = self.folder.join("data.new");
        let mut password = std::ffi::OsString::from("--pwfile=");
        password.push(self.password_file());
        capture(
            self.account
                .command(server.program("initdb"))
                .arg("--pgdata")
                .arg(&scratch)
                .arg(format!("--username={SUPERUSER}"))
                .arg(password)
                .args(["--auth-local=trust", "--auth-host=scram-sha-256"])
                .args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]),
        )
        .context("cannot create the private cluster")?;
        fs::rename(scratch, self.data()).context("cannot name the data folder")
    }

    /// Makes a folder that only the server's account can enter. It must not be there: somebody else may have made it.
    fn create_folder(&self, folder: &Path) -> Result<()> {
        fs::DirBuilder::new()
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        self.account.own(folder)
    }

    fn start(&self) -> Result<()> {
        if !self.socket.exists() {
            self.create_folder(&self.socket)?;
        }
        let file = self.data().join("postgresql.auto.conf");
        fs::write(&file, self.settings())
            .with_context(|| format!("cannot write {}", file.display()))?;
        let started = capture(
            self.control("start")
                .args(["--wait", "--timeout=60", "--silent"])
                .arg("--log")
                .arg(self.log()),
        );
        if let Err(error) = started {
            bail!(
                "the private PostgreSQL did not start: {error}\n{}",
                self.log_tail()
            );
        }
        Ok(())
    }

    /// `pg_ctl` with its subcommand, as the cluster's account.
    fn control(&self, subcommand: &str) -> Command {
        let mut command = self
            .account
            .command(self.server.join("lib/postgresql/15/bin/pg_ctl"));
        command.arg(subcommand).arg("--pgdata").arg(self.data());
        command
    }

    /// Settings of the cluster. The library is preloaded into sessions, as the extension requires.
    fn settings(&self) -> String {
        let addresses = if self.purpose == Purpose::Test {
            "127.0.0.1"
        } else {
            ""
        };
        let mut settings = format!(
            "listen_addresses = '{addresses}'\nport = {}\nunix_socket_directories = '{}'\n",
            self.port,
            self.socket.display().to_string().replace('\'', "''"),
        );
        settings.push_str(
            "session_preload_libraries = 'fhir_access'\n\
             timezone = 'UTC'\nlog_timezone = 'UTC'\njit = off\nmax_wal_size = '4GB'\n\
             log_line_prefix = '%m [%p] %q%u@%d '\nsynchronous_commit = off\nshared_preload_libraries = ''\n",
        );
        if self.purpose != Purpose::Demo {
            // Off by default, and tried to make leak by every test.
            settings.push_str("fhir_access.leakproof_operators = on\n");
        }
        settings.push_str(match self.purpose {
            Purpose::Demo => "shared_buffers = '128MB'\nmax_connections = 30\n",
            Purpose::Test => {
                "shared_buffers = '128MB'\nmax_connections = 80\nfsync = off\nfull_page_writes = off\nautovacuum_naptime = '10min'\n"
            }
            Purpose::Bench => {
                "shared_buffers = '1GB'\nmax_connections = 20\nfsync = off\nfull_page_writes = off\nmax_parallel_workers_per_gather = 0\n"
            }
        });
        settings
    }
}

/// The socket's folder: beside the data, or below `/tmp` where that path is too long for a socket.
fn socket_folder(folder: &Path) -> PathBuf {
    let beside = folder.join("socket");
    if beside.as_os_str().len() <= LONGEST_SOCKET_FOLDER {
        return beside;
    }
    let name = process::digest(folder.as_os_str().as_encoded_bytes());
    PathBuf::from(format!("/tmp/fhir_access-{name:016x}"))
}

/// A port of the loopback interface that nobody listens on now.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// 128 random bits, in hexadecimal.
fn random_password() -> Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("cannot read /dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| writeln!(file, "{text}"))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_have_short_paths() {
        assert_eq!(
            socket_folder(Path::new("/a/target/demo")),
            Path::new("/a/target/demo/socket")
        );
        let deep = format!("/{}/target/demo", "long".repeat(30));
        let short = socket_folder(Path::new(&deep));
        assert!(short.starts_with("/tmp") && short.as_os_str().len() < LONGEST_SOCKET_FOLDER);
        assert_ne!(short, socket_folder(Path::new(&format!("{deep}2"))));
    }

    #[test]
    fn passwords_differ() {
        let one = random_password().unwrap();
        assert_eq!(one.len(), 32);
        assert_ne!(one, random_password().unwrap());
    }
}
