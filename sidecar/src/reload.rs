//! The configuration in force: read at the start, looked at each second, changed one provider at a
//! time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use leeward_config::{Loaded, Process};
use tokio::sync::{Mutex, Notify};

use crate::accounts::Accounts;
use crate::metrics::Metrics;
use crate::registry::{Registry, Standing};

/// Between two looks at the files.
const EVERY: Duration = Duration::from_secs(1);

/// Watches a folder and keeps the registry in line with it.
#[derive(Debug)]
pub struct Reloader {
    dir: PathBuf,
    overrides: Vec<(String, String)>,
    registry: Arc<Registry>,
    accounts: Accounts,
    metrics: Metrics,
    asked: Notify,
    // What was seen last, and the files beside the folder that it put in.
    seen: Mutex<([u8; 32], Vec<PathBuf>)>,
}

impl Reloader {
    /// Watches this folder.
    pub fn new(
        dir: PathBuf,
        overrides: Vec<(String, String)>,
        registry: Arc<Registry>,
        accounts: Accounts,
        metrics: Metrics,
    ) -> Self {
        Self {
            dir,
            overrides,
            registry,
            accounts,
            metrics,
            asked: Notify::new(),
            seen: Mutex::new(([0; 32], Vec::new())),
        }
    }

    /// Puts what was loaded in force.
    pub async fn install(&self, loaded: Loaded) -> Vec<Standing> {
        let mut seen = self.seen.lock().await;
        *seen = (loaded.digest, loaded.watched.clone());
        let faulty = self.registry.install(&loaded.providers);
        for standing in &faulty {
            self.metrics.reload_failures.inc();
            for fault in &standing.faults {
                tracing::error!(provider = %standing.name, fault, "configuration refused; the last good one stays in force");
            }
        }
        for entry in self.registry.entries() {
            if entry.provider().own_account().is_some() {
                let name = entry.provider().name();
                if let Err(error) = self.accounts.put_own(name).await {
                    tracing::error!(provider = name, %error, "its own token cannot be kept");
                }
            }
        }
        let mut files = Vec::new();
        let mut readable = true;
        for source in &loaded.accounts {
            match &source.result {
                Ok(file) => files.push(Arc::clone(file)),
                Err(faults) => {
                    readable = false;
                    self.metrics.reload_failures.inc();
                    for fault in faults {
                        tracing::error!(%fault, "account file refused");
                    }
                }
            }
        }
        // While one file is broken nobody is taken out: it may be the one that names him.
        for (_, error) in self.accounts.put_files(&files, readable).await {
            tracing::error!(%error, "account of a file refused");
        }
        self.metrics.generation.inc();
        faulty
    }

    /// Reads the folder now, whether it has changed or not.
    pub async fn reload(&self) -> Vec<Standing> {
        let (dir, overrides) = (self.dir.clone(), self.overrides.clone());
        let loaded = tokio::task::spawn_blocking(move || crate::load(&dir, &overrides)).await;
        match loaded {
            Ok(loaded) => {
                if let Err(faults) = &loaded.process {
                    self.metrics.reload_failures.inc();
                    for fault in faults {
                        tracing::error!(%fault, "leeward.yaml refused; it is read at the next start");
                    }
                }
                tracing::info!("configuration reloaded");
                self.install(loaded).await
            }
            Err(error) => {
                tracing::error!(%error, "the configuration could not be read");
                Vec::new()
            }
        }
    }

    /// Asks for a look now (SIGHUP).
    pub fn ask(&self) {
        self.asked.notify_one();
    }

    /// Looks each second, until the task is aborted.
    pub async fn watch(self: Arc<Self>) {
        loop {
            let asked = tokio::select! {
                () = self.asked.notified() => true,
                () = tokio::time::sleep(EVERY) => false,
            };
            if asked || self.changed().await {
                self.reload().await;
            }
        }
    }

    async fn changed(&self) -> bool {
        let (before, watched) = self.seen.lock().await.clone();
        let dir = self.dir.clone();
        let digest =
            tokio::task::spawn_blocking(move || leeward_config::digest(&dir, &watched)).await;
        digest.is_ok_and(|digest| digest != before)
    }
}

/// The process' own settings of what was loaded.
///
/// # Errors
/// All faults of `leeward.yaml`, a line each.
pub fn process(loaded: &Loaded) -> Result<Process, String> {
    match &loaded.process {
        Ok(process) => Ok(process.clone()),
        Err(faults) => Err(faults
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")),
    }
}
