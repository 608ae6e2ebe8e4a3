//! What a provider can do for unified calls, compiled.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::HeaderName;
use indexmap::IndexMap;
use leeward_expression::Limits;
use leeward_pagination::{CursorKeys, Paging, WholePages};

use crate::evaluate::{Run, Stop, Workers};
use crate::{MappingError, Operation, Unified};

/// What bounds the mappings of one provider.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The most of a body that is held, in bytes. Default 8 MiB.
    pub max_buffer: usize,
    /// The limits of one evaluation.
    pub limits: Limits,
    /// The time of all evaluations of one request or one answer. Default 2 s.
    pub page_time: Duration,
    /// The keys of cursors. By default a random one, whose cursors end with the process.
    pub cursor_keys: CursorKeys,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_buffer: 8 << 20,
            limits: Limits::default(),
            page_time: Duration::from_secs(2),
            cursor_keys: CursorKeys::new(Vec::new()),
        }
    }
}

/// The resources of one provider, and their operations.
#[derive(Debug)]
pub struct Resources {
    resources: IndexMap<String, IndexMap<String, Arc<Known>>>,
    settings: Settings,
    forwarded: Vec<HeaderName>,
    workers: Workers,
}

/// An operation, with what is known of it beforehand.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    /// How a list is paged.
    pub(crate) paging: Paging,
    /// Whether the request side runs the engine.
    pub(crate) computes: bool,
    /// Whether `$response` must be bound.
    pub(crate) reads_response: bool,
}

impl Resources {
    /// From resources (`crm/contacts`) with their operations by name.
    pub fn new(
        resources: impl IntoIterator<Item = (String, Vec<(String, Operation)>)>,
        settings: Settings,
    ) -> Self {
        let compiled = |(resource, operations): (String, Vec<(String, Operation)>)| {
            let operations = operations
                .into_iter()
                .map(|(name, operation)| {
                    let known = Known::new(&name, operation, settings.limits);
                    (name, Arc::new(known))
                })
                .collect();
            (resource, operations)
        };
        Self {
            resources: resources.into_iter().map(compiled).collect(),
            settings,
            forwarded: ["idempotency-key", "traceparent", "tracestate"]
                .map(HeaderName::from_static)
                .to_vec(),
            workers: Workers::default(),
        }
    }

    /// Sends a header field of the application's on to the vendor, beside `Idempotency-Key`, `traceparent` and
    /// `tracestate`; all others stay behind.
    #[must_use]
    pub fn forward(mut self, name: HeaderName) -> Self {
        if !self.forwarded.contains(&name) {
            self.forwarded.push(name);
        }
        self
    }

    /// Whether there is such a resource.
    #[must_use]
    pub fn has(&self, resource: &str) -> bool {
        self.resources.contains_key(resource)
    }

    /// The resources' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.resources.keys().map(String::as_str)
    }

    /// The operation that a call is for.
    #[must_use]
    pub fn operation(&self, call: &Unified) -> Option<&Operation> {
        self.known(call).map(|known| &known.operation)
    }

    /// The base that the call's operation names.
    #[must_use]
    pub fn base(&self, call: &Unified) -> Option<&str> {
        self.operation(call)?.base.as_deref()
    }

    /// Whether a call may be sent twice: as its operation says, else list and get, whatever their method, and what has an
    /// idempotent method of its own.
    #[must_use]
    pub fn idempotent(&self, call: &Unified) -> bool {
        match self.known(call) {
            Some(known) => known
                .operation
                .idempotent
                .unwrap_or_else(|| call.is_read() || known.method.is_idempotent()),
            None => call.is_read(),
        }
    }

    /// The HTTP methods by which a resource's operations are called, for `Allow`.
    #[must_use]
    pub fn allowed(&self, resource: &str) -> Vec<String> {
        let Some(operations) = self.resources.get(resource) else {
            return Vec::new();
        };
        let mut methods: Vec<String> = Vec::new();
        for name in operations.keys() {
            let of: &[&str] = match name.as_str() {
                "list" | "get" => &["GET", "HEAD"],
                "update" => &["PATCH"],
                "delete" => &["DELETE"],
                _ => &["POST"],
            };
            for method in of {
                if !methods.iter().any(|known| known == method) {
                    methods.push((*method).to_owned());
                }
            }
        }
        methods
    }

    /// Whether a call's answers are looked at for failures: its operation has an `error` with anything in it.
    #[must_use]
    pub fn reads_errors(&self, call: &Unified) -> bool {
        self.known(call)
            .is_some_and(|known| known.operation.error.reads())
    }

    pub(crate) fn known(&self, call: &Unified) -> Option<&Arc<Known>> {
        if !call.is_known() {
            return None;
        }
        self.resources.get(call.resource())?.get(call.operation())
    }

    /// The operation of a call, or why there is none.
    pub(crate) fn find(&self, call: &Unified) -> Result<&Arc<Known>, MappingError> {
        if !self.has(call.resource()) {
            return Err(MappingError::UnknownResource(call.resource().to_owned()));
        }
        self.known(call)
            .ok_or_else(|| MappingError::UnsupportedOperation {
                resource: call.resource().to_owned(),
                operation: call.operation().to_owned(),
                allow: self.allowed(call.resource()),
            })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn forwarded(&self) -> &[HeaderName] {
        &self.forwarded
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.workers
    }

    /// The evaluations of one phase.
    pub(crate) fn start(&self, stop: Stop) -> Run {
        Run::new(self.settings.limits, self.settings.page_time, stop)
    }
}

impl Known {
    fn new(name: &str, mut operation: Operation, limits: Limits) -> Self {
        operation.path = operation.path.with_limits(limits);
        let method = operation.method.clone().unwrap_or(match name {
            "list" | "get" => Method::GET,
            "update" => Method::PATCH,
            "delete" => Method::DELETE,
            _ => Method::POST,
        });
        Self {
            method,
            paging: operation
                .paging
                .clone()
                .unwrap_or_else(|| Paging::Whole(WholePages::default())),
            computes: operation.path.is_computed()
                || operation.query.is_some()
                || operation.headers.is_some()
                || operation.body.is_some(),
            reads_response: operation.reads_response(),
            operation,
        }
    }
}
