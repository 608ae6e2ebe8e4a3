//! What the layers know: `/providers`, `/breakers`, `/limits`, `/config`.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Admin;
use super::answer::AdminAnswer;
use crate::accounts::time;
use crate::code::Code;
use crate::metrics::state_name;

impl Admin {
    pub(super) async fn providers(&self) -> AdminAnswer {
        let mut accounts: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
        match self.accounts.store().count_by_status().await {
            Ok(counts) => {
                for count in counts.into_iter().filter(|count| count.accounts > 0) {
                    let of = accounts.entry(count.provider.to_string()).or_default();
                    of.insert(count.status.as_str().to_owned(), count.accounts.into());
                }
            }
            Err(error) => return AdminAnswer::store(&error),
        }
        let standings = self.registry.standings();
        let providers = standings.iter().map(|standing| {
            json!({
                "provider": standing.name,
                "version": standing.version,
                "home": "file",
                "faults": standing.faults,
                "accounts": accounts.remove(&standing.name).unwrap_or_default(),
            })
        });
        let providers: Vec<Value> = providers.collect();
        AdminAnswer::json(StatusCode::OK, json!({ "providers": providers }))
    }

    pub(super) fn breakers(&self) -> AdminAnswer {
        let mut breakers = Vec::new();
        for entry in self.registry.entries() {
            let provider = entry.provider();
            for circuit in provider.state().breakers.snapshot() {
                breakers.push(json!({
                    "key": &*circuit.key,
                    "provider": provider.name(),
                    "state": state_name(circuit.state),
                    "since": time(circuit.since),
                    "failures": circuit.failures,
                    "retry_at": circuit.retry_at.map(time),
                }));
            }
        }
        AdminAnswer::json(StatusCode::OK, json!({ "breakers": breakers }))
    }

    /// Of one provider, or of every one that has a circuit with this key (two may call one host).
    pub(super) fn reset_breaker(&self, provider: Option<&str>, key: &str) -> AdminAnswer {
        let concerned = match provider {
            Some(name) => self.registry.entry(name).into_iter().collect(),
            None => self.registry.entries(),
        };
        let reset = |entry: &std::sync::Arc<crate::registry::Entry>| {
            entry.provider().state().breakers.reset(key)
        };
        // Each of them, not up to the first.
        if concerned.iter().filter(|entry| reset(entry)).count() > 0 {
            AdminAnswer::Empty(StatusCode::NO_CONTENT)
        } else {
            let why = "no circuit has this key";
            AdminAnswer::refused(StatusCode::NOT_FOUND, Code::UnknownResource, why)
        }
    }

    pub(super) fn limits(&self) -> AdminAnswer {
        let mut limits = Vec::new();
        for entry in self.registry.entries() {
            let provider = entry.provider();
            for closed in provider.state().gate.snapshot() {
                limits.push(json!({
                    "provider": provider.name(),
                    "account": (!closed.account.is_empty()).then_some(&*closed.account),
                    "scope": &*closed.scope,
                    "until": time(closed.until),
                    "by": closed.by.as_str(),
                }));
            }
        }
        AdminAnswer::json(StatusCode::OK, json!({ "limits": limits }))
    }

    pub(super) fn config(&self) -> AdminAnswer {
        let providers: Map<String, Value> = self
            .registry
            .entries()
            .iter()
            .map(|entry| {
                let provider = entry.provider();
                let shown = leeward_config::redacted(provider.config());
                (provider.name().to_owned(), shown)
            })
            .collect();
        let process = &self.process;
        AdminAnswer::json(
            StatusCode::OK,
            json!({ "process": process, "providers": providers }),
        )
    }
}
