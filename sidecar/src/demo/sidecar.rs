//! The Leeward of the demo: this very binary as a child process, on free ports, with a
//! configuration written for the occasion.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::DemoError;
use super::scene::Scene;

/// How long it may take to stand.
const START: Duration = Duration::from_secs(10);

/// A sidecar that runs.
#[derive(Debug)]
pub struct Sidecar {
    child: Child,
    egress: String,
    // Configuration and store; removed with the demo.
    _dir: TempDir,
}

impl Sidecar {
    /// Starts one in front of these vendors.
    pub async fn start(scene: &Scene, without: &[String]) -> Result<Self, DemoError> {
        let dir = tempfile::tempdir().map_err(DemoError::io("cannot make a temporary folder"))?;
        write_config(dir.path(), scene).map_err(DemoError::io("cannot write a configuration"))?;
        let binary =
            std::env::current_exe().map_err(DemoError::io("cannot find this program again"))?;
        let mut child = Command::new(binary)
            .arg("run")
            .arg("--config")
            .arg(dir.path())
            .args(without.iter().flat_map(|layer| ["--without", layer]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(DemoError::io("cannot start the sidecar"))?;
        let Some(stderr) = child.stderr.take() else {
            return Err(DemoError::Sidecar("it has no stderr".to_owned()));
        };
        let mut lines = BufReader::new(stderr).lines();
        let mut log = Vec::new();
        let listening = async {
            while let Ok(Some(line)) = lines.next_line().await {
                let said: Value = serde_json::from_str(&line).unwrap_or_default();
                if said["message"] == "listening"
                    && let Some(egress) = said["egress"].as_str()
                {
                    return Some(egress.to_owned());
                }
                log.push(line);
            }
            None
        };
        let found = tokio::time::timeout(START, listening).await.ok().flatten();
        let Some(egress) = found else {
            return Err(DemoError::Sidecar(log.join("\n")));
        };
        // Its log is read to the end, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self {
            child,
            egress,
            _dir: dir,
        })
    }

    /// `127.0.0.1:port` of the egress listener.
    pub fn egress(&self) -> &str {
        &self.egress
    }

    /// Ends it.
    pub async fn stop(mut self) {
        // It is killed on drop in any case.
        let _ = self.child.kill().await;
    }
}

fn write_config(dir: &Path, scene: &Scene) -> std::io::Result<()> {
    let providers = dir.join("providers");
    let accounts = dir.join("accounts");
    std::fs::create_dir_all(&providers)?;
    std::fs::create_dir_all(&accounts)?;
    let process = json!({
        "listen": {"egress": "127.0.0.1:0", "admin": "127.0.0.1:0", "telemetry": "127.0.0.1:0"},
        "store": format!("sqlite://{}", dir.join("leeward.db").display()),
    });
    // JSON is YAML.
    std::fs::write(dir.join("leeward.yaml"), process.to_string())?;
    for vendor in scene.vendors() {
        let name = format!("{}.yaml", vendor.name);
        std::fs::write(providers.join(&name), vendor.provider_file())?;
        if let Some(grant) = vendor.log_in() {
            let account = json!({
                "account": "demo",
                "provider": vendor.name,
                "credentials": {
                    "access_token": grant.access_token,
                    "refresh_token": grant.refresh_token,
                    "expires_in": vendor.token_seconds(),
                },
            });
            std::fs::write(accounts.join(&name), account.to_string())?;
        }
    }
    Ok(())
}
