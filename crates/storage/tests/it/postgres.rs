//! A PostgreSQL server of the tests' own: made in a temporary directory, stopped in the end.

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::place::Place;

pub(crate) struct Server {
    dir: TempDir,
    programs: PathBuf,
    user: Option<User>,
    pub(crate) port: u16,
}

/// Whom the server runs as when the tests run as root, which it refuses.
#[derive(Clone)]
struct User {
    uid: u32,
    gid: u32,
}

impl Server {
    /// Makes and starts one. `Err`: there are no programs, or nobody to run them as.
    pub(crate) fn start() -> Result<Self, String> {
        let programs = programs().ok_or_else(|| {
            "initdb and pg_ctl are neither on PATH nor in /usr/lib/postgresql/*/bin".to_owned()
        })?;
        let user = user()?;
        let dir = tempfile::tempdir().unwrap();
        if let Some(user) = &user {
            std::os::unix::fs::chown(dir.path(), Some(user.uid), Some(user.gid)).unwrap();
        }
        let mut server = Self {
            dir,
            programs,
            user,
            port: 0,
        };
        let data = server.data();
        server
            .run(
                "initdb",
                [
                    "-D".as_ref(),
                    data.as_os_str(),
                    "-U".as_ref(),
                    "leeward".as_ref(),
                    "-A".as_ref(),
                    "trust".as_ref(),
                    "-E".as_ref(),
                    "UTF8".as_ref(),
                    "--locale=C".as_ref(),
                    "--no-sync".as_ref(),
                ],
            )
            .unwrap();
        // The free port may be taken before the server has it.
        for attempt in 0.. {
            server.port = free_port();
            match server.boot() {
                Ok(()) => break,
                Err(fault) if attempt >= 3 => panic!("{fault}"),
                Err(_) => {}
            }
        }
        Ok(server)
    }

    /// Starts it again after [`stop`](Self::stop), on the same port.
    pub(crate) fn boot(&self) -> Result<(), String> {
        let sockets = self.dir.path().display();
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories={sockets} -c fsync=off \
             -c full_page_writes=off -c max_connections=200 -c shared_buffers=32MB",
            self.port
        );
        let (data, log) = (self.data(), self.dir.path().join("log"));
        self.run(
            "pg_ctl",
            [
                "-D".as_ref(),
                data.as_os_str(),
                "-l".as_ref(),
                log.as_os_str(),
                "-o".as_ref(),
                options.as_ref(),
                "-w".as_ref(),
                "-t".as_ref(),
                "60".as_ref(),
                "start".as_ref(),
            ],
        )
    }

    pub(crate) fn stop(&self) {
        let data = self.data();
        let _ = self.run(
            "pg_ctl",
            [
                "-D".as_ref(),
                data.as_os_str(),
                "-m".as_ref(),
                "immediate".as_ref(),
                "-w".as_ref(),
                "stop".as_ref(),
            ],
        );
    }

    /// An empty database.
    pub(crate) async fn place(&self, name: &str) -> Place {
        Place {
            url: self.url("postgres"),
            files: self.data(),
        }
        .sql(&format!("CREATE DATABASE {name}"))
        .await;
        Place {
            url: self.url(name),
            files: self.data(),
        }
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://leeward@127.0.0.1:{}/{database}", self.port)
    }

    /// The same by the Unix socket.
    pub(crate) fn socket_url(&self, database: &str) -> String {
        let directory = self.dir.path().display();
        format!(
            "postgres:///{database}?host={directory}&port={}&user=leeward",
            self.port
        )
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn run<'a>(
        &self,
        program: &str,
        args: impl IntoIterator<Item = &'a OsStr>,
    ) -> Result<(), String> {
        let mut command = Command::new(self.programs.join(program));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env("LC_ALL", "C");
        if let Some(user) = &self.user {
            use std::os::unix::process::CommandExt as _;
            command.uid(user.uid).gid(user.gid);
        }
        // The server inherits what it is given; a pipe would never end.
        let said = self.dir.path().join("said");
        let file = fs::File::create(&said).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!(
                "{program}: {status}\n{}{}",
                fs::read_to_string(said).unwrap_or_default(),
                fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
            )),
            Err(error) => Err(format!("{program}: {error}")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    // The newest first.
    versions.sort_by_key(|path| std::cmp::Reverse(version(path)));
    std::env::split_paths(&path)
        .chain(versions)
        .find(|directory| {
            ["initdb", "pg_ctl"]
                .iter()
                .all(|program| directory.join(program).is_file())
        })
}

fn version(bin: &Path) -> u32 {
    bin.parent()
        .and_then(Path::file_name)
        .and_then(OsStr::to_str)
        .and_then(|name| name.parse().ok())
        .unwrap_or(0)
}

fn user() -> Result<Option<User>, String> {
    if id(&["-u"]) != Some(0) {
        return Ok(None);
    }
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| {
            Some(User {
                uid: id(&["-u", name])?,
                gid: id(&["-g", name])?,
            })
        })
        .map(Some)
        .ok_or_else(|| {
            "the server does not run as root, and there is no user postgres or nobody".to_owned()
        })
}

fn id(args: &[&str]) -> Option<u32> {
    let Output { status, stdout, .. } = Command::new("id").args(args).output().ok()?;
    status
        .success()
        .then(|| String::from_utf8_lossy(&stdout).trim().parse().ok())
        .flatten()
}
