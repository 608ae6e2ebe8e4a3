//! One provider as its configuration was compiled: what the stack's layers are made of, and what
//! the adapters ask while a request goes through.

mod address;
mod auth;
mod circuit;
mod compile;
mod ready;
mod state;
mod values;
mod wire;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderValue, Request};
use leeward_auth_refresh::{AccountId, Keeper};
use leeward_auth_schemes::{ProviderAuth, Secrets};
use leeward_rate_limit_normalize::{OnLimit, Rules};
use leeward_retry::ReplayBody;
use leeward_wire::BaseUrl;
use tokio::time::Instant;

use crate::accounts::{Directory, Only};
use crate::adapters::{
    AnswerTests, FallbackPolicy, LimitedCaller, Observer, ProviderCredential, RetryPolicy,
    UnifiedCaller,
};
use crate::call::Call;
use crate::clock::Clock;
use crate::code::Code;
use crate::error::Error;
use crate::metrics::{Metrics, ProviderMetrics};

pub use address::Bases;
pub use circuit::Circuits;
pub use compile::{CompileFault, compile, resources};
pub use ready::{PutFault, Ready};
pub use state::ProviderState;
pub use values::AccountValues;
pub use wire::{Wire, WireBody};

/// What all providers share.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Who has an account where.
    pub directory: Directory,
    /// The credentials.
    pub keeper: Keeper<Secrets>,
    /// The time.
    pub clock: Clock,
    /// The metrics.
    pub metrics: Metrics,
    /// What seals the cursors of lists.
    pub cursor_keys: leeward_pagination::CursorKeys,
    /// Whether each request leaves a line in the log (`telemetry.access_log`).
    pub access_log: bool,
    /// Layers that are switched off, for a sceptic.
    pub without: BTreeSet<String>,
}

/// A compiled provider. Immutable: a change of its file makes another.
#[derive(Debug)]
pub struct Provider {
    name: Arc<str>,
    name_header: HeaderValue,
    version_header: HeaderValue,
    // Tells what was derived from an older configuration.
    generation: u64,
    config: Arc<leeward_config::Provider>,
    auth: Arc<ProviderAuth>,
    bases: Bases,
    circuits: Circuits,
    rules: Arc<Rules>,
    tests: AnswerTests,
    fallback: FallbackPolicy,
    retry: RetryPolicy,
    resources: Arc<leeward_mapping::Resources>,
    wire: Wire,
    state: Arc<ProviderState>,
    shared: Shared,
}

impl Provider {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name as a header's value.
    pub fn name_header(&self) -> HeaderValue {
        self.name_header.clone()
    }

    /// The version of its configuration as a header's value.
    pub fn version_header(&self) -> HeaderValue {
        self.version_header.clone()
    }

    /// The version of its configuration.
    pub fn version(&self) -> &str {
        self.version_header.to_str().unwrap_or_default()
    }

    /// Its file, typed.
    pub fn config(&self) -> &leeward_config::Provider {
        &self.config
    }

    /// How its requests are authorized.
    pub fn auth(&self) -> &Arc<ProviderAuth> {
        &self.auth
    }

    /// Its state, which outlives this configuration.
    pub fn state(&self) -> &ProviderState {
        &self.state
    }

    /// Its metrics.
    pub fn metrics(&self) -> &Arc<ProviderMetrics> {
        &self.state.metrics
    }

    /// The rate-limit rules.
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules)
    }

    /// The unified resources.
    pub fn resources(&self) -> Arc<leeward_mapping::Resources> {
        Arc::clone(&self.resources)
    }

    /// The credentials of all accounts.
    pub fn keeper(&self) -> Keeper<Secrets> {
        self.shared.keeper.clone()
    }

    /// The client.
    pub fn client(&self) -> Wire {
        self.wire.clone()
    }

    /// Monotonic time.
    pub fn now(&self) -> Instant {
        self.shared.clock.monotonic()
    }

    /// Wall time.
    pub fn wall(&self) -> SystemTime {
        self.shared.clock.wall()
    }

    /// Where panics inside a request are counted.
    pub fn panics(&self) -> prometheus::IntCounter {
        self.shared.metrics.panics.clone()
    }

    /// What the layers tell goes here.
    pub fn observer(&self) -> Arc<Observer> {
        Arc::clone(&self.state.observer)
    }

    /// Whether it has this base.
    pub fn has_base(&self, name: &str) -> bool {
        self.config.bases.contains_key(name)
    }

    /// Whether a credential goes into the body, or a template reads it, so that it must be held.
    pub fn holds_body(&self) -> bool {
        let placements = self.auth.placements();
        let extras = self
            .config
            .headers
            .values()
            .chain(self.config.query.values());
        placements.writes_body()
            || placements.reads_body()
            || extras.into_iter().any(|text| ready::reads_body(&text.0))
    }

    /// The most of a body that is held.
    pub fn max_buffer(&self) -> usize {
        self.config.max_buffer.bytes()
    }

    /// How long one attempt may take. It ends before the whole request does: what the deadline cuts
    /// off counts against nobody, and a vendor that hangs must not go unnoticed.
    pub fn attempt_timeout(&self) -> Duration {
        let timeout = self.config.timeout;
        timeout.response.0.min(timeout.total.0.mul_f64(0.95))
    }

    /// What happens to a request that meets a limit.
    pub fn on_limit(&self) -> OnLimit {
        match self.config.rate_limit.on_limit {
            leeward_config::types::OnLimit::Reject => OnLimit::Reject,
            leeward_config::types::OnLimit::Wait(period) => OnLimit::Wait(period.0),
        }
    }

    /// The account of a request: the one that it names, or the provider's only one. A provider
    /// whose auth uses no account's credentials needs none.
    pub fn account_for(&self, named: Option<&str>) -> Result<Option<AccountId>, Error> {
        let name = self.name();
        if let Some(named) = named {
            let found = self.shared.directory.find(named);
            return match found {
                Some((id, provider)) if *provider == *self.name => Ok(Some(id)),
                _ => Err(Error::refused(
                    Code::UnknownAccount,
                    format!("provider {name:?} has no account of this name"),
                )),
            };
        }
        match self.shared.directory.only(&self.name) {
            Only::One(id) => Ok(Some(id)),
            _ if !self.needs_account() => Ok(None),
            Only::None => Err(Error::refused(
                Code::UnknownAccount,
                format!(
                    "provider {name:?} has no account yet: PUT /accounts/{{id}} on the admin listener"
                ),
            )),
            Only::Several => Err(Error::refused(
                Code::AmbiguousAccount,
                format!("provider {name:?} has several accounts: name one in Leeward-Account"),
            )),
        }
    }

    /// Whether anything of a request comes from an account.
    pub fn needs_account(&self) -> bool {
        self.auth.needs_account() || self.bases.need_account()
    }
}

/// The account of a provider that needs none: no account's id may hold a slash, so that it is
/// never taken for one.
pub fn own_account(provider: &str) -> AccountId {
    AccountId::from(format!("{provider}/"))
}

/// Head and body, if the body can be sent again.
pub(crate) fn copy_request<B>(request: &Request<ReplayBody<B>>) -> Option<Request<ReplayBody<B>>> {
    let body = request.body().try_clone()?;
    let mut copy = Request::new(body);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}

impl Provider {
    /// What the gate and the rules ask of a request.
    pub fn limited_caller(self: &Arc<Self>) -> LimitedCaller {
        LimitedCaller::new(Arc::clone(self))
    }

    /// What the mapping asks of a request.
    pub fn mapping_caller(self: &Arc<Self>) -> UnifiedCaller {
        UnifiedCaller::new(Arc::clone(self))
    }

    /// Which further tests read the vendor's answer.
    pub fn answer_tests(&self) -> AnswerTests {
        self.tests.clone()
    }

    /// What is kept, and after which failures it is served.
    pub fn fallback_policy(&self) -> FallbackPolicy {
        self.fallback.clone()
    }

    /// What is repeated.
    pub fn retry_policy(&self) -> RetryPolicy {
        self.retry.clone()
    }

    /// How often, and how soon.
    pub fn retry_settings(&self) -> leeward_retry::Settings {
        let retry = &self.config.retry;
        leeward_retry::Settings {
            max_attempts: if self.is_without("retry") {
                1
            } else {
                retry.max_attempts
            },
            backoff: leeward_retry::Backoff {
                base: retry.backoff.base.0,
                max: retry.backoff.max.0,
            },
            budget: retry.budget.0,
            hold: if self.is_without("retry") {
                0
            } else {
                retry.hold.bytes()
            },
            replay_cap: 64 * 1024,
        }
    }

    /// How a credential is put on.
    pub fn credential(self: &Arc<Self>) -> ProviderCredential {
        ProviderCredential::new(Arc::clone(self))
    }

    /// Whether each request leaves a line in the log.
    pub fn logs_access(&self) -> bool {
        self.shared.access_log
    }

    fn is_without(&self, layer: &str) -> bool {
        self.shared.without.contains(layer)
    }

    /// `{id, vars}` of an account.
    pub fn account_value(&self, account: Option<&AccountId>) -> serde_json::Value {
        self.tests.accounts().of(account)
    }

    /// Whether its credentials are bought or computed, so that a rejected one can be renewed.
    pub fn buys_tokens(&self) -> bool {
        self.auth.scheme().has_token()
    }

    /// Whose token it is where no account's credentials are used: the provider's own.
    pub fn own_account(&self) -> Option<AccountId> {
        (self.buys_tokens() && !self.needs_account()).then(|| own_account(&self.name))
    }

    /// The path that a call has at the vendor, whether its URL is already made or not.
    pub fn vendor_path<'a>(&self, call: &Call, target: &'a http::Uri) -> Cow<'a, str> {
        if target.authority().is_some() {
            return target.path().into();
        }
        let url = self
            .base_of(call)
            .and_then(|base| base.join(crate::egress::tail_of(target)).ok());
        url.map_or_else(|| target.path().into(), |url| url.path().to_owned().into())
    }

    /// The base URL that a call went to.
    pub fn base_of(&self, call: &Call) -> Option<Arc<BaseUrl>> {
        if let Some(base) = self.bases.fixed(call.base()) {
            return Some(base);
        }
        let current = self.shared.keeper.peek(call.account()?)?;
        self.ready(&current).ok()?.base(call.base())
    }
}
