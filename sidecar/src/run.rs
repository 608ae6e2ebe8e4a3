//! The life of the process: start in an order that loses nothing, serve, end without a loss.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use leeward_auth_refresh::Keeper;
use leeward_auth_schemes::{SchemeProtocol, Secrets};
use leeward_config::types::OneOrMany;
use leeward_config::{Loaded, Process};
use leeward_pagination::CursorKeys;
use leeward_storage::{Keys, OpenError, Store};
use secrecy::SecretString;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::accounts::{Accounts, Auths, Directory};
use crate::admin::Admin;
use crate::clock::Clock;
use crate::drain::Drain;
use crate::egress::Egress;
use crate::listener::{Limits, Listener, Sockets, serve};
use crate::metrics::Metrics;
use crate::provider::Shared;
use crate::registry::Registry;
use crate::reload::Reloader;
use crate::signals::Signals;
use crate::telemetry::{Ready, Telemetry};
use crate::tokens::{TokenObserver, TokenTransport};

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The folder with the configuration.
    pub dir: PathBuf,
    /// `--set key.path=value`.
    pub overrides: Vec<(String, String)>,
    /// What this process does; empty: all that is configured.
    pub roles: BTreeSet<String>,
    /// Layers that are switched off.
    pub without: BTreeSet<String>,
    /// The time.
    pub clock: Clock,
}

impl Options {
    /// Whether this process has the role.
    fn does(&self, role: &str) -> bool {
        self.roles.is_empty() || self.roles.contains(role)
    }
}

/// Why the process did not start. Each is one line that says how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder is not there.
    #[error("{0} is no folder: --config names the one with leeward.yaml and providers/")]
    NoFolder(PathBuf),
    /// Faults of `leeward.yaml`.
    #[error("{0}")]
    Config(String),
    /// The key is missing or unusable.
    #[error("encryption_key: {0}")]
    Key(String),
    /// The store cannot be opened.
    #[error("store: {0}")]
    Store(String),
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] crate::listener::BindError),
    /// The metrics cannot be registered.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// A Leeward that runs.
pub struct Running {
    /// The addresses in use, as the first log line tells them.
    pub addresses: Value,
    /// Begins and watches the end.
    pub drain: Drain,
    reloader: Arc<Reloader>,
    keeper: Keeper<Secrets>,
    store: Store,
    driver: tokio::task::JoinHandle<()>,
    tasks: JoinSet<()>,
    drain_timeout: Duration,
    drain_quiet: Duration,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// Starts everything.
///
/// # Errors
/// See [`StartError`].
pub async fn start(options: Options) -> Result<Running, StartError> {
    if !options.dir.is_dir() {
        return Err(StartError::NoFolder(options.dir));
    }
    let loaded = crate::load(&options.dir, &options.overrides);
    let mut process = crate::reload::process(&loaded).map_err(StartError::Config)?;
    if !options.does("egress") {
        process.listen.egress.0.clear();
    }
    let held = crate::logging::start(&process.telemetry);
    let metrics = Metrics::new()?;
    // Before the store: a start that cannot come about leaves nothing behind.
    let sockets = Sockets::bind(&process.listen).await?;
    let addresses = sockets.addresses();
    let (store, keys) = open_store(&process).await?;
    metrics.store_up.set(1);

    let directory = Directory::default();
    let registry = Arc::new(Registry::new(metrics.clone(), directory.clone()));
    let (keeper, driver) = keeper(&options, &registry, &store, &metrics);
    let cursor_keys = keys.derive("cursor").iter().map(|key| **key).collect();
    registry.share(Shared {
        directory: directory.clone(),
        keeper: keeper.clone(),
        clock: options.clock.clone(),
        metrics: metrics.clone(),
        cursor_keys: CursorKeys::new(cursor_keys),
        access_log: process.telemetry.access_log,
        without: options.without.clone(),
    });
    let accounts = Accounts::new(
        store.clone(),
        keeper.clone(),
        directory,
        Arc::clone(&registry) as Arc<dyn Auths>,
        options.clock.clone(),
    );
    let reloader = Arc::new(Reloader::new(
        options.dir.clone(),
        options.overrides.clone(),
        Arc::clone(&registry),
        accounts.clone(),
        metrics.clone(),
    ));

    let mut tasks = JoinSet::new();
    // Accounts first: a provider that is in force may be asked at once.
    let position = accounts.load_all().await.map_err(store_error)?;
    warn_of(&loaded);
    reloader.install(loaded).await;
    // What is due is renewed from now on: before, no provider was known to buy it from.
    let driver = tokio::spawn(driver);
    tasks.spawn(accounts.clone().follow(position, metrics.clone()));
    tasks.spawn(Arc::clone(&reloader).watch());

    let drain = Drain::default();
    let ready = Ready::default();
    listen(
        sockets, &process, &registry, &accounts, &reloader, &metrics, &drain, &ready, &mut tasks,
    );
    ready.set();
    announce(&addresses);
    drop(held);
    Ok(Running {
        addresses,
        drain,
        reloader,
        keeper,
        store,
        driver,
        tasks,
        drain_timeout: process.drain_timeout.0,
        drain_quiet: process.drain_quiet.0,
    })
}

fn keeper(
    options: &Options,
    registry: &Arc<Registry>,
    store: &Store,
    metrics: &Metrics,
) -> (Keeper<Secrets>, leeward_auth_refresh::Driver<Secrets>) {
    let auths = Arc::downgrade(registry);
    let clock = options.clock.clone();
    let protocol = SchemeProtocol::new(
        move |provider: &str, _: &leeward_auth_refresh::AccountId| {
            auths.upgrade()?.auth_of(provider)
        },
        TokenTransport::new(registry),
    )
    .clock(move || clock.wall());
    let schedule = options.does("refresh");
    let settings = leeward_auth_refresh::Settings {
        schedule,
        clock: Arc::new(options.clock.clone()),
        observe: Arc::new(TokenObserver::new(registry, metrics.clone())),
        ..leeward_auth_refresh::Settings::default()
    };
    Keeper::new(Arc::new(store.clone()), Arc::new(protocol), settings)
}

async fn open_store(process: &Process) -> Result<(Store, Keys), StartError> {
    let url = process.store.expose();
    let keys = match &process.encryption_key {
        Some(OneOrMany(list)) => Keys::parse(list.iter().map(|key| key.expose()))
            .map_err(|error| StartError::Key(error.to_string()))?,
        None => match Store::key_file(url).map_err(|error| StartError::Store(error.to_string()))? {
            Some(path) => {
                let folder = path
                    .parent()
                    .filter(|folder| !folder.as_os_str().is_empty());
                if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
                    let folder = folder.display();
                    return Err(StartError::Store(format!(
                        "the folder {folder} does not exist: make it, or set another `store`"
                    )));
                }
                let loaded = Keys::load_or_create(&path)
                    .map_err(|error| StartError::Key(error.to_string()))?;
                if loaded.created {
                    tracing::warn!(
                        path = %path.display(),
                        "a new encryption key was made beside the database: back it up, without it the accounts cannot be read"
                    );
                }
                loaded.keys
            }
            None if url.starts_with("sqlite:") => {
                Keys::generate().map_err(|error| StartError::Key(error.to_string()))?
            }
            None => {
                return Err(StartError::Key(
                    "a shared store needs one: 32 bytes in base64, such as `openssl rand -base64 32` prints".to_owned(),
                ));
            }
        },
    };
    match Store::open(url, keys.clone()).await {
        Ok(store) => Ok((store, keys)),
        Err(error @ OpenError::WrongKey { .. }) => Err(StartError::Key(error.to_string())),
        Err(error) => Err(StartError::Store(error.to_string())),
    }
}

fn store_error(error: leeward_storage::StorageError) -> StartError {
    StartError::Store(error.to_string())
}

fn warn_of(loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!(%warning, "configuration");
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "everything that a listener serves from"
)]
fn listen(
    sockets: Sockets,
    process: &Process,
    registry: &Arc<Registry>,
    accounts: &Accounts,
    reloader: &Arc<Reloader>,
    metrics: &Metrics,
    drain: &Drain,
    ready: &Ready,
    tasks: &mut JoinSet<()>,
) {
    let limits = Limits {
        max_connections: process.limits.max_connections,
        header_timeout: process.limits.header_timeout.0,
        idle_timeout: process.limits.idle_timeout.0,
        header_size: process.limits.header_size.bytes(),
    };
    let secret = |secret: &Option<leeward_config::types::Secret>| {
        secret
            .as_ref()
            .map(|secret| SecretString::from(secret.expose()))
    };
    let egress = Arc::new(Egress::new(
        Arc::clone(registry),
        secret(&process.egress_token),
    ));
    let admin = Arc::new(Admin {
        registry: Arc::clone(registry),
        accounts: accounts.clone(),
        reloader: Arc::clone(reloader),
        drain: drain.clone(),
        token: secret(&process.admin_token),
        process: leeward_config::redacted(process),
    });
    let telemetry = Arc::new(Telemetry {
        registry: Arc::clone(registry),
        ready: ready.clone(),
        drain: drain.clone(),
    });
    let listener = |name, bound, counts| Listener {
        name,
        bound,
        limits,
        // Scrapes and operators hold up no end.
        drain: if counts {
            drain.clone()
        } else {
            Drain::default()
        },
        metrics: metrics.clone(),
    };
    for bound in sockets.egress {
        let egress = Arc::clone(&egress);
        tasks.spawn(serve(listener("egress", bound, true), move |request| {
            egress.handle(request)
        }));
    }
    for bound in sockets.admin {
        let over_unix = bound.is_unix();
        let admin = Arc::clone(&admin);
        tasks.spawn(serve(listener("admin", bound, false), move |request| {
            let admin = Arc::clone(&admin);
            async move { admin.handle(request, over_unix).await }
        }));
    }
    for bound in sockets.telemetry {
        let telemetry = Arc::clone(&telemetry);
        tasks.spawn(serve(listener("telemetry", bound, false), move |request| {
            let telemetry = Arc::clone(&telemetry);
            async move { telemetry.handle(&request) }
        }));
    }
}

/// The log's first line, which tells where it listens. It is written whatever the log's level, for
/// whoever started it with port 0 waits for it.
fn announce(addresses: &Value) {
    let mut line = serde_json::Map::new();
    line.insert(
        "timestamp".into(),
        crate::accounts::time(std::time::SystemTime::now()).into(),
    );
    line.insert("level".into(), "INFO".into());
    line.insert("message".into(), "listening".into());
    if let Value::Object(addresses) = addresses {
        line.extend(addresses.clone());
    }
    // Whoever closed stderr does not want it.
    let _ = writeln!(std::io::stderr(), "{}", Value::Object(line));
}

impl Running {
    /// Serves until it is told to end, and ends. SIGHUP asks for a look at the files.
    pub async fn until_told(self, mut signals: Signals) -> Ended {
        loop {
            tokio::select! {
                end = signals.next_is_end() => if end { break } else { self.reloader.ask() },
                () = self.drain.begun() => break,
            }
        }
        tokio::select! {
            ended = self.end() => ended,
            () = signals.end() => Ended::AtOnce,
        }
    }

    /// Ends: not ready, still serving, gone once it is quiet. Token calls that were sent are read
    /// and written first.
    pub async fn end(mut self) -> Ended {
        tracing::info!("draining");
        self.drain.begin();
        let quiet = self.drain.quiet(self.drain_quiet, self.drain_timeout).await;
        self.keeper.shutdown();
        let _ = tokio::time::timeout(self.drain_timeout, &mut self.driver).await;
        self.tasks.shutdown().await;
        self.store.close().await;
        tracing::info!(quiet, "ended");
        if quiet { Ended::Quiet } else { Ended::CutOff }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Nothing was in flight any more.
    Quiet,
    /// `drain_timeout` was over first.
    CutOff,
    /// It was told twice.
    AtOnce,
}
