//! A provider's file becomes a [`Provider`]: everything that can be decided once is decided here.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;
use http::{HeaderName, HeaderValue};
use leeward_config::ExpressionHooks;
use leeward_config::types as config;
use leeward_mapping::{ErrorTest, Operation, Resources};
use leeward_pagination::{CursorKeys, Paging};
use leeward_rate_limit_normalize::{Rules, Test};
use leeward_upstream::{HostPolicy, PrivateHosts, TlsIdentity};
use leeward_wire::HostPatterns;

use super::address::fixed_host;
use super::{AccountValues, Bases, Circuits, Provider, ProviderState, Shared, Wire, auth};
use crate::adapters::{AnswerTests, FallbackPolicy, FallbackSettings, RetryPolicy};

/// Why a file that was read cannot be put in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CompileFault(pub String);

impl From<String> for CompileFault {
    fn from(message: String) -> Self {
        Self(message)
    }
}

/// Compiles one provider over its state, whose settings are changed when nothing can fail any more.
///
/// # Errors
/// What is wrong beyond what the schema can say.
pub fn compile(
    file: &Arc<config::Provider>,
    version: &str,
    state: Arc<ProviderState>,
    shared: &Shared,
) -> Result<Arc<Provider>, CompileFault> {
    static GENERATION: AtomicU64 = AtomicU64::new(1);
    let without = |layer: &str| shared.without.contains(layer);
    let name: Arc<str> = file.provider.0.as_str().into();
    let header = |text: &str| {
        HeaderValue::try_from(text)
            .map_err(|_| CompileFault(format!("{text:?} is no header value")))
    };
    let auth = auth::compile(&file.auth, without("auth"))?;
    let bases = Bases::compile(
        &file.base_url.0,
        file.bases.iter().map(|(name, url)| (&name[..], &url.0)),
    )?;
    let hosts = circuit_hosts(file);
    let rules = rules(file, without("rate-limit"))?;
    let resources = Arc::new(resources(file, shared.cursor_keys.clone()));
    let values = AccountValues::new(shared.keeper.clone(), shared.clock.clone());
    let tests = AnswerTests::new(rejected(&file.auth)?, Arc::clone(&resources), values);
    let wire = wire(file, &bases, &state)?;
    let provider = Provider {
        name_header: header(&name)?,
        version_header: header(version)?,
        generation: GENERATION.fetch_add(1, Ordering::Relaxed),
        circuits: Circuits::new(file.breaker.by, Arc::clone(&name), hosts),
        fallback: fallback(&file.cache, without("fallback"))?,
        retry: retry(file, auth.scheme().has_token()),
        config: Arc::clone(file),
        rules: Arc::new(rules),
        tests,
        auth,
        bases,
        resources,
        wire,
        name,
        state,
        shared: shared.clone(),
    };
    settle(&provider, shared);
    Ok(Arc::new(provider))
}

/// The host of each base, where no variable changes it.
fn circuit_hosts(file: &config::Provider) -> HashMap<String, Arc<str>, RandomState> {
    let named = file.bases.iter().map(|(name, url)| (&name[..], url));
    named
        .chain([("", &file.base_url)])
        .filter_map(|(name, url)| Some((name.to_owned(), fixed_host(&url.0)?.into())))
        .collect()
}

fn rules(file: &config::Provider, without: bool) -> Result<Rules, CompileFault> {
    if without {
        return Ok(Rules::none());
    }
    Rules::compile(&file.rate_limit.rules, &ExpressionHooks::default()).map_err(|faults| {
        let said: Vec<_> = faults.iter().map(ToString::to_string).collect();
        CompileFault(format!("rate_limit.rules: {}", said.join("; ")))
    })
}

fn rejected(auth: &config::Auth) -> Result<Vec<Test>, CompileFault> {
    auth.rejected()
        .iter()
        .map(|test| {
            Test::compile(test, &ExpressionHooks::default()).map_err(|faults| {
                let said: Vec<_> = faults.iter().map(ToString::to_string).collect();
                CompileFault(format!("auth.rejected: {}", said.join("; ")))
            })
        })
        .collect()
}

fn fallback(cache: &config::CacheSetting, without: bool) -> Result<FallbackPolicy, CompileFault> {
    let default = config::Cache::default();
    let (cache, proxy, unified) = match cache {
        // Left out: on for unified calls, whose readers know `Leeward-Source`.
        config::CacheSetting::LeftOut => (&default, false, true),
        config::CacheSetting::Off => (&default, false, false),
        config::CacheSetting::On(cache) => (cache, true, true),
    };
    let vary = cache
        .vary
        .iter()
        .map(|name| HeaderName::try_from(&name[..]))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| CompileFault(format!("cache.vary: {error}")))?;
    let paths = cache
        .paths
        .as_ref()
        .map(|paths| paths.iter().map(|path| path.0.clone()).collect());
    Ok(FallbackPolicy::new(FallbackSettings {
        proxy: proxy && !without,
        unified: unified && !without,
        paths,
        serve_after: cache.serve_after.clone(),
        vary,
    }))
}

fn retry(file: &config::Provider, renewable: bool) -> RetryPolicy {
    let methods = file.retry.methods.iter().map(|method| method.0.clone());
    let waits = matches!(file.rate_limit.on_limit, config::OnLimit::Wait(_));
    RetryPolicy::new(
        methods.collect(),
        file.retry.after.clone(),
        renewable || waits,
    )
}

fn wire(
    file: &config::Provider,
    bases: &Bases,
    state: &Arc<ProviderState>,
) -> Result<Wire, CompileFault> {
    let literal = |text: &Option<config::Text>| match text {
        None => Ok(None),
        Some(text) => text
            .0
            .is_literal()
            .map(|text| Some(text.to_owned()))
            .ok_or_else(|| CompileFault("tls.ca must not depend on an account".to_owned())),
    };
    let (client, templated) = match (&file.tls.client_certificate, &file.tls.client_key) {
        (None, None) => (None, None),
        (Some(certificate), Some(key)) => match (certificate.0.is_literal(), key.0.is_literal()) {
            (Some(certificate), Some(key)) => {
                (Some((certificate.to_owned(), key.to_owned())), None)
            }
            _ => (None, Some((certificate.0.clone(), key.0.clone()))),
        },
        _ => {
            return Err(CompileFault(
                "tls.client_certificate and tls.client_key go together".to_owned(),
            ));
        }
    };
    let identity = TlsIdentity {
        ca: literal(&file.tls.ca)?,
        client,
    };
    let named = bases.fixed_hosts().chain(token_host(&file.auth));
    let listed = file.hosts.iter().map(|host| host.0.as_str().to_owned());
    let patterns = HostPatterns::new(listed.chain(named))
        .map_err(|error| CompileFault(format!("hosts: {error}")))?;
    let policy = HostPolicy {
        patterns,
        private: match file.private_hosts {
            config::PrivateHosts::Deny => PrivateHosts::Deny,
            config::PrivateHosts::Allow => PrivateHosts::Allow,
        },
    };
    let settings = leeward_upstream::Settings {
        connect: file.timeout.connect.0,
        pool_idle: file.timeout.pool_idle.0,
        ..leeward_upstream::Settings::default()
    };
    Wire::new(state, settings, identity, templated, policy)
        .map_err(|error| CompileFault(format!("tls: {error}")))
}

/// The host of a token URL, where the file names it in full.
fn token_host(auth: &config::Auth) -> Option<String> {
    let (config::Auth::OAuth2(auth) | config::Auth::ClientCredentials(auth)) = auth else {
        return None;
    };
    let Some(literal) = auth.token_url.0.is_literal() else {
        return fixed_host(&auth.token_url.0);
    };
    let url: http::Uri = literal.parse().ok()?;
    let host = url.host()?;
    Some(
        host.trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned(),
    )
}

/// Compiles the unified resources of a file; needs nothing that runs.
pub fn resources(file: &config::Provider, cursor_keys: CursorKeys) -> Resources {
    let settings = leeward_mapping::Settings {
        max_buffer: file.max_buffer.bytes(),
        cursor_keys,
        ..leeward_mapping::Settings::default()
    };
    let default_pages = file.pagination.first();
    let resources = file.resources.iter().map(|(name, resource)| {
        let operations = resource
            .operations()
            // A list whose further pages could not be asked for would look like a whole one.
            .filter(|(name, op)| *name != "list" || pages_are_built(op, default_pages))
            .map(|(name, op)| {
                (
                    name.to_owned(),
                    operation(name, op, resource, file, default_pages),
                )
            })
            .collect::<Vec<_>>();
        (name.clone(), operations)
    });
    let resources = Resources::new(resources, settings);
    let key = file.retry.idempotency_header.as_deref();
    match key.and_then(|name| HeaderName::try_from(name).ok()) {
        Some(name) => resources.forward(name),
        None => resources,
    }
}

fn pages_are_built(op: &config::Operation, default: Option<&config::Pagination>) -> bool {
    use config::PaginationType as Type;
    let pages = op.pagination.as_ref().or(default);
    pages.is_none_or(|pages| matches!(pages.kind, Type::Cursor | Type::Offset | Type::None))
}

fn operation(
    name: &str,
    op: &config::Operation,
    resource: &config::Resource,
    file: &config::Provider,
    pages: Option<&config::Pagination>,
) -> Operation {
    let expr = |expr: &Option<config::Expr>| expr.as_ref().map(|expr| expr.0.clone());
    let pages = op.pagination.as_ref().or(pages);
    let error = op.error.as_ref().unwrap_or(&file.error);
    let writes = matches!(name, "create" | "update");
    Operation {
        method: op.method.as_ref().map(|method| method.0.clone()),
        path: op.path.0.clone(),
        base: op.base.as_ref().map(|base| base.0.as_str().to_owned()),
        query: expr(&op.query),
        headers: expr(&op.headers),
        body: expr(&op.body).or_else(|| if writes { expr(&resource.body) } else { None }),
        body_format: match op.body_format {
            config::BodyFormat::Json => leeward_mapping::BodyFormat::Json,
            config::BodyFormat::Form => leeward_mapping::BodyFormat::Form,
        },
        list_style: match op.list_style {
            config::ListStyle::Repeat => leeward_mapping::ListStyle::Repeat,
            config::ListStyle::Comma => leeward_mapping::ListStyle::Comma,
            config::ListStyle::Brackets => leeward_mapping::ListStyle::Brackets,
        },
        items: expr(&op.items).or_else(|| pages.and_then(|pages| expr(&pages.items))),
        item: expr(&op.item).or_else(|| {
            // `response` gives the records themselves.
            if op.response.is_none() {
                expr(&resource.item)
            } else {
                None
            }
        }),
        response: expr(&op.response),
        record: expr(&op.record),
        on_item_error: match op.on_item_error {
            config::OnItemError::Fail => leeward_mapping::OnItemError::Fail,
            config::OnItemError::Skip => leeward_mapping::OnItemError::Skip,
        },
        paging: pages.and_then(paging).filter(|_| name == "list"),
        error: ErrorTest {
            when: expr(&error.when),
            status: expr(&error.status),
            reason: expr(&error.reason),
            message: expr(&error.message),
        },
        idempotent: op.idempotent,
    }
}

fn paging(pages: &config::Pagination) -> Option<Paging> {
    let size = leeward_pagination::Size {
        param: pages.size.param.clone(),
        value: pages.size.value,
        max: pages.size.max,
    };
    let expr = |expr: &Option<config::Expr>| expr.as_ref().map(|expr| expr.0.clone());
    match pages.kind {
        config::PaginationType::Cursor => Some(Paging::Cursor(leeward_pagination::CursorPages {
            items: expr(&pages.items),
            next: pages.next.as_ref()?.0.clone(),
            more: expr(&pages.more),
            param: pages.param.clone(),
            size,
        })),
        config::PaginationType::Offset => Some(Paging::Offset(leeward_pagination::OffsetPages {
            items: expr(&pages.items),
            more: expr(&pages.more),
            start: pages.first(),
            param: pages.param.clone(),
            size,
        })),
        _ => None,
    }
}

/// Puts the file's settings onto the state that goes on.
fn settle(provider: &Provider, shared: &Shared) {
    let (file, state) = (provider.config(), provider.state());
    let without = |layer: &str| shared.without.contains(layer);
    let breaker = &file.breaker;
    let ratio = |percent: leeward_config::Percent| leeward_circuit_breaker::Ratio::new(percent.0);
    let never = without("breaker");
    state
        .breakers
        .set_settings(leeward_circuit_breaker::Settings {
            consecutive_failures: breaker
                .consecutive_failures
                .filter(|_| !never)
                .and_then(std::num::NonZeroU32::new),
            failure_ratio: breaker.failure_ratio.filter(|_| !never).and_then(ratio),
            sampling_duration: breaker.sampling_duration.0,
            minimum_calls: breaker.minimum_calls,
            slow_call: breaker.slow_call.filter(|_| !never).and_then(|slow| {
                Some(leeward_circuit_breaker::SlowCall {
                    threshold: slow.threshold.0,
                    ratio: ratio(slow.ratio)?,
                })
            }),
            open_for: breaker.open_for.0,
            max_open_for: breaker.max_open_for.0.max(breaker.open_for.0),
            half_open_requests: breaker.half_open_requests,
            success_threshold: breaker.success_threshold,
            lease: provider.attempt_timeout(),
        });
    state
        .gate
        .set_settings(leeward_rate_limit_normalize::Settings {
            look: file.rate_limit.look.bytes(),
            backoff: leeward_rate_limit_normalize::Backoff {
                base: file.rate_limit.backoff.base.0,
                max: file.rate_limit.backoff.max.0,
            },
        });
    let unbounded = tokio::sync::Semaphore::MAX_PERMITS >> 4;
    state.bulkhead.set_settings(if without("bulkhead") {
        leeward_bulkhead::Settings {
            max_in_flight: unbounded,
            per_account: unbounded,
            ..leeward_bulkhead::Settings::default()
        }
    } else {
        leeward_bulkhead::Settings {
            max_in_flight: file.concurrency.max_in_flight,
            per_account: file.concurrency.per_account,
            max_waiting: file.concurrency.max_waiting,
            max_wait: file.concurrency.max_wait.0,
        }
    });
    state.budget.set_share(file.retry.budget.0);
    let default = config::Cache::default();
    let cache = match &file.cache {
        config::CacheSetting::On(cache) => cache,
        config::CacheSetting::LeftOut | config::CacheSetting::Off => &default,
    };
    state.answers.set_settings(leeward_fallback::Settings {
        fallback_for: cache.fallback_for.0,
        max_bytes: cache.max_bytes.bytes(),
        // Whoever turns the fallback on knows that it serves what is old; many vendors send
        // `must-revalidate` with everything. `no-store` and `stale-if-error` are obeyed.
        stale_despite_revalidate: true,
        ..leeward_fallback::Settings::default()
    });
}
