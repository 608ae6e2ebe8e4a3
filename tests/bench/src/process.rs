//! The processes under test: started on their cores, read through the kernel's books.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::Error;

/// What a process is.
#[derive(Debug, Clone, Copy)]
pub enum Role {
    /// Answers.
    Origin,
    /// The limit.
    Thin(SocketAddr),
    /// What is measured, with every layer on.
    Leeward(SocketAddr),
}

/// A process that listens.
#[derive(Debug)]
pub struct Proxy {
    child: Child,
    address: SocketAddr,
    path: &'static str,
    _dir: Option<TempDir>,
}

impl Proxy {
    /// Starts it, and waits until it listens.
    pub async fn start(role: Role) -> Result<Self, Error> {
        let this = std::env::current_exe()?;
        let leeward = this.with_file_name("leeward");
        let (core, program, arguments, dir) = match role {
            Role::Origin => ("1", this, vec!["origin".to_owned()], None),
            Role::Thin(origin) => ("0", this, vec!["thin".to_owned(), origin.to_string()], None),
            Role::Leeward(origin) => {
                if !leeward.exists() {
                    let hint = "build it first: cargo build --release -p leeward";
                    return Err(format!("{} is missing; {hint}", leeward.display()).into());
                }
                let dir = config(origin)?;
                let folder = dir.path().display().to_string();
                let words = ["run", "--config", &folder].map(str::to_owned);
                ("0", leeward, words.to_vec(), Some(dir))
            }
        };
        let mut child = Command::new("taskset")
            .args(["-c", core])
            .arg(program)
            .args(arguments)
            .env("LEEWARD_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(if dir.is_some() {
                Stdio::piped()
            } else {
                Stdio::inherit()
            })
            .kill_on_drop(true)
            .spawn()?;
        let address = if dir.is_some() {
            let stderr = child.stderr.take().ok_or("no stderr")?;
            let mut lines = BufReader::new(stderr).lines();
            let address = listening(&mut lines).await?;
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            address
        } else {
            let stdout = child.stdout.take().ok_or("no stdout")?;
            let line = BufReader::new(stdout).lines().next_line().await?;
            line.ok_or("it ended at once")?.parse()?
        };
        let path = match role {
            Role::Leeward(_) => "/proxy/origin/contacts/17",
            Role::Origin | Role::Thin(_) => "/contacts/17",
        };
        Ok(Self {
            child,
            address,
            path,
            _dir: dir,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The path that leads to the origin's answer.
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// CPU time of all its threads so far.
    pub fn cpu(&self) -> Result<Duration, Error> {
        let mut nanos = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.pid()?))? {
            let Ok(stat) = std::fs::read_to_string(task?.path().join("schedstat")) else {
                continue;
            };
            let first = stat.split(' ').next().unwrap_or("0");
            nanos += first.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Resident memory in KiB.
    pub fn resident(&self) -> Result<u64, Error> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
    }

    fn pid(&self) -> Result<u32, Error> {
        self.child
            .id()
            .ok_or_else(|| "the process has ended".into())
    }
}

async fn listening(
    lines: &mut tokio::io::Lines<BufReader<tokio::process::ChildStderr>>,
) -> Result<SocketAddr, Error> {
    let mut log = String::new();
    while let Some(line) = lines.next_line().await? {
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        if said["message"] == "listening"
            && let Some(address) = said["egress"].as_str()
        {
            return Ok(address.parse()?);
        }
        log.push_str(&line);
        log.push('\n');
    }
    Err(format!("leeward did not start:\n{log}").into())
}

/// A provider with every layer on: a token, a rule that reads 429s, breaker, bulkhead, deadlines,
/// retry and fallback at their defaults.
fn config(origin: SocketAddr) -> Result<TempDir, Error> {
    let dir = tempfile::tempdir()?;
    let folder = dir.path();
    std::fs::create_dir_all(folder.join("providers"))?;
    std::fs::create_dir_all(folder.join("accounts"))?;
    let process = json!({
        "listen": {"egress": "127.0.0.1:0", "admin": "127.0.0.1:0", "telemetry": "127.0.0.1:0"},
        "store": format!("sqlite://{}", folder.join("leeward.db").display()),
    });
    std::fs::write(folder.join("leeward.yaml"), process.to_string())?;
    let provider = json!({
        "provider": "origin",
        "base_url": format!("http://{origin}"),
        "auth": {
            "type": "oauth2",
            "token_url": format!("http://{origin}/token"),
            "client_id": "bench",
            "client_secret": "bench",
        },
        "rate_limit": {"rules": [
            {"id": "slow", "when": {"status": 403, "body": {"/code": "SLOW"}}, "fallback": {"seconds": 1}},
        ]},
        "concurrency": {"max_in_flight": 256, "per_account": 256},
    });
    std::fs::write(folder.join("providers/origin.yaml"), provider.to_string())?;
    let account = json!({
        "account": "bench",
        "provider": "origin",
        "credentials": {"access_token": "t", "refresh_token": "r", "expires_in": 86_400},
    });
    std::fs::write(folder.join("accounts/bench.yaml"), account.to_string())?;
    Ok(dir)
}
