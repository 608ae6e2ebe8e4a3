//! A process under test.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::http::client;
use super::{Answer, Client, send};

/// The admin token of every test.
const ADMIN: &str = "test-admin-token";
/// Nothing in these tests takes longer, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the binary is.
pub fn binary() -> PathBuf {
    env!("CARGO_BIN_EXE_leeward").into()
}

/// The configuration of a Leeward that is not yet started.
#[derive(Debug)]
pub struct Files {
    dir: TempDir,
    process: String,
    arguments: Vec<String>,
    env: Vec<(String, String)>,
}

impl Files {
    /// Listeners on free ports, SQLite in the folder, an admin token.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let process = format!(
            "listen: {{egress: '127.0.0.1:0', admin: '127.0.0.1:0', telemetry: '127.0.0.1:0'}}\n\
             store: sqlite://{}\nadmin_token: {ADMIN}\n",
            dir.path().join("leeward.db").display()
        );
        Self {
            dir,
            process,
            arguments: Vec::new(),
            env: Vec::new(),
        }
    }

    /// Adds lines to `leeward.yaml`.
    pub fn process(mut self, lines: &str) -> Self {
        self.process.push_str(lines);
        self.process.push('\n');
        self
    }

    /// Puts other words in the place of those that `leeward.yaml` has.
    #[track_caller]
    pub fn replacing(mut self, words: &str, by: &str) -> Self {
        assert!(
            self.process.contains(words),
            "{words} is not in\n{}",
            self.process
        );
        self.process = self.process.replace(words, by);
        self
    }

    /// Writes `providers/{name}.yaml`; `provider:` is added.
    pub fn provider(self, name: &str, lines: &str) -> Self {
        self.write(
            &format!("providers/{name}.yaml"),
            &format!("provider: {name}\n{lines}\n"),
        )
    }

    /// Writes `accounts/{name}.yaml`; `account:` is added.
    pub fn account(self, name: &str, lines: &str) -> Self {
        self.write(
            &format!("accounts/{name}.yaml"),
            &format!("account: {name}\n{lines}\n"),
        )
    }

    /// Writes a file.
    pub fn write(self, path: &str, text: &str) -> Self {
        write(&self.dir.path().join(path), text);
        self
    }

    /// Adds an argument of `leeward run`.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The folder, with `leeward.yaml` written.
    pub fn dir(&self) -> &Path {
        write(&self.dir.path().join("leeward.yaml"), &self.process);
        self.dir.path()
    }

    /// Starts it, and waits until it listens.
    pub async fn start(self) -> Leeward {
        let dir = self.dir().to_owned();
        let mut child = Command::new(binary())
            .arg("run")
            .arg("--config")
            .arg(&dir)
            .args(&self.arguments)
            .envs(self.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let listening = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                log.lock().unwrap().push(line.clone());
                let said: Value = serde_json::from_str(&line).unwrap_or_default();
                if said["message"] == "listening" {
                    return Some(said);
                }
            }
            None
        };
        let listening = tokio::time::timeout(PATIENCE, listening)
            .await
            .ok()
            .flatten();
        let Some(listening) = listening else {
            panic!("it does not listen:\n{}", log.lock().unwrap().join("\n"));
        };
        let kept = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                kept.lock().unwrap().push(line);
            }
        });
        let address = |name: &str| match &listening[name] {
            Value::String(address) => address.clone(),
            other => other[0].as_str().unwrap_or_default().to_owned(),
        };
        Leeward {
            egress: address("egress"),
            admin: address("admin"),
            telemetry: address("telemetry"),
            client: client(),
            child,
            log,
            dir: self.dir,
        }
    }
}

/// A Leeward that runs.
#[derive(Debug)]
pub struct Leeward {
    pub egress: String,
    pub admin: String,
    pub telemetry: String,
    pub client: Client,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    dir: TempDir,
}

impl Leeward {
    /// GET on the egress listener.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], "").await
    }

    /// GET on the egress listener for an account.
    pub async fn get_as(&self, account: &str, path: &str) -> Answer {
        self.call(Method::GET, path, &[("leeward-account", account)], "")
            .await
    }

    /// Any request on the egress listener.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.egress));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::from(body.to_owned()));
        send(&self.client, request.body(body).unwrap()).await
    }

    /// Like [`call`](Self::call), but only to the head: the body is still to come.
    pub async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> http::Response<hyper::body::Incoming> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.egress));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::default()).unwrap();
        self.client.request(request).await.expect("Leeward answers")
    }

    /// What a list of the admin listener holds: `/breakers`, `/limits`, …
    pub async fn listed(&self, name: &str) -> Vec<Value> {
        let answer = self.admin(Method::GET, &format!("/{name}"), None).await;
        answer.json()[name].as_array().expect("a list").clone()
    }

    /// A request on the admin listener, with the token.
    pub async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.admin))
            .header("authorization", format!("Bearer {ADMIN}"))
            .header("content-type", "application/json");
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        send(&self.client, request.body(Full::new(body)).unwrap()).await
    }

    /// GET on the telemetry listener.
    pub async fn telemetry(&self, path: &str) -> Answer {
        let uri = format!("http://{}{path}", self.telemetry);
        send(
            &self.client,
            Request::get(uri).body(Full::default()).unwrap(),
        )
        .await
    }

    /// The value of a series, 0 if it is not there. `series` is `name{label="value",…}` with the
    /// labels in the order of the page.
    pub async fn metric(&self, series: &str) -> f64 {
        let page = self.telemetry("/metrics").await.text();
        page.lines()
            .find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
            .unwrap_or(0.0)
    }

    /// Waits until a question about it is answered with yes.
    pub async fn until<F: Future<Output = bool>>(&self, what: &str, ask: impl Fn() -> F) {
        let asked = async {
            while !ask().await {
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, asked).await.is_err() {
            panic!("never came: {what}\n{}", self.log().join("\n"));
        }
    }

    /// The lines of its log so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// A file of its configuration.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file of its configuration.
    pub fn write(&self, name: &str, text: &str) {
        write(&self.path(name), text);
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// The most memory that it has had, in MiB.
    pub fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        line.trim()
            .trim_end_matches(" kB")
            .parse::<usize>()
            .unwrap()
            / 1024
    }

    /// Sends a signal, by name.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let status = std::process::Command::new("kill")
            .args(["-s", name, &pid])
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .expect("it ends")
            .unwrap()
    }

    /// Kills it, and starts it again with the same files.
    pub async fn killed_and_started_again(mut self) -> Self {
        self.child.kill().await.unwrap();
        let process = std::fs::read_to_string(self.path("leeward.yaml")).unwrap();
        let files = Files {
            dir: self.dir,
            process,
            arguments: Vec::new(),
            env: Vec::new(),
        };
        files.start().await
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // Written beside and renamed, as a careful tool does, so that nobody reads half a file.
    let beside = path.with_extension("tmp");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, path).unwrap();
}
