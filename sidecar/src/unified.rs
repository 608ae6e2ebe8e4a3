//! `/unified/{model}/{resource}…`: which provider it goes to.

use std::sync::Arc;

use http::Method;
use leeward_mapping::{ParseError, Unified};

use crate::code::Code;
use crate::error::{Error, Refused};
use crate::registry::{Entry, Registry};

/// A unified call, and what the sidecar keeps of it beside.
#[derive(Debug, Clone)]
pub struct UnifiedCall {
    call: Unified,
    label: String,
    target: String,
    base: Option<String>,
    idempotent: bool,
}

impl UnifiedCall {
    /// From what follows `/unified/`.
    pub fn parse(rest: &str, method: &Method) -> Result<Self, ParseError> {
        let call = Unified::parse(rest, method)?;
        Ok(Self {
            label: format!("{}.{}", call.resource(), call.operation()),
            target: call.target(),
            base: None,
            idempotent: call.is_read(),
            call,
        })
    }

    /// The call itself.
    pub fn call(&self) -> &Unified {
        &self.call
    }

    /// `model/resource.operation`, as the metrics name it.
    pub fn operation_label(&self) -> &str {
        &self.label
    }

    /// Path and query in one form, whatever the order of the query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The base that the operation names.
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// Whether it may be sent twice.
    pub fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    /// Whether it reads.
    pub fn is_read(&self) -> bool {
        self.call.is_read()
    }

    /// Settles what the provider's mapping says of it.
    pub fn settle(&mut self, entry: &Entry) -> Result<(), Error> {
        let resources = entry.provider().resources();
        if resources.operation(&self.call).is_none() {
            let allow = resources.allowed(self.call.resource());
            return Err(Refused {
                allow: Some(allow.join(", ")),
                ..Refused::new(
                    Code::UnsupportedOperation,
                    format!(
                        "provider {:?} has no operation {:?} for {}",
                        entry.provider().name(),
                        self.call.operation(),
                        self.call.resource()
                    ),
                )
            }
            .into());
        }
        self.base = resources.base(&self.call).map(str::to_owned);
        self.idempotent = resources.idempotent(&self.call);
        Ok(())
    }
}

/// The provider of a unified call: the one named, the account's, or the only one that has the
/// resource.
pub fn provider_for(
    registry: &Registry,
    call: &UnifiedCall,
    named: Option<&str>,
    account: Option<&str>,
) -> Result<Arc<Entry>, Error> {
    let resource = call.call().resource();
    let unknown = || {
        Error::refused(
            Code::UnknownResource,
            format!("no provider maps the resource {resource:?}"),
        )
    };
    if let Some(name) = named {
        let entry = registry.entry(name).ok_or_else(|| {
            Error::refused(
                Code::UnknownProvider,
                format!("no provider is called {name:?}"),
            )
        })?;
        return if entry.provider().resources().has(resource) {
            Ok(entry)
        } else {
            Err(unknown())
        };
    }
    if let Some(account) = account {
        let provider = registry.provider_of(account).ok_or_else(|| {
            Error::refused(Code::UnknownAccount, "no account has this name".to_owned())
        })?;
        let entry = registry.entry(&provider).ok_or_else(|| {
            Error::refused(
                Code::UnknownProvider,
                format!("the account's provider {provider:?} is not configured"),
            )
        })?;
        return if entry.provider().resources().has(resource) {
            Ok(entry)
        } else {
            Err(unknown())
        };
    }
    let mut having = registry
        .entries()
        .into_iter()
        .filter(|entry| entry.provider().resources().has(resource));
    match (having.next(), having.next()) {
        (None, _) => Err(unknown()),
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Error::refused(
            Code::AmbiguousProvider,
            format!(
                "several providers map {resource:?}: name the account in Leeward-Account, or the provider in Leeward-Provider"
            ),
        )),
    }
}
