//! The telemetry listener: `/metrics`, `/livez`, `/readyz`, `/status`. Read-only, and never a
//! question to a vendor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::body::Body;
use crate::drain::Drain;
use crate::metrics::state_name;
use crate::registry::Registry;

/// Whether configuration and credentials are loaded and the listeners stand.
#[derive(Debug, Clone, Default)]
pub struct Ready(Arc<AtomicBool>);

impl Ready {
    /// From now on it is.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// What the telemetry listener serves from.
#[derive(Debug)]
pub struct Telemetry {
    /// The providers.
    pub registry: Arc<Registry>,
    /// Whether it is ready.
    pub ready: Ready,
    /// Whether it ends.
    pub drain: Drain,
}

impl Telemetry {
    /// Answers one request.
    pub fn handle<B>(&self, request: &Request<B>) -> Response<Body> {
        if *request.method() != Method::GET && *request.method() != Method::HEAD {
            return text(StatusCode::METHOD_NOT_ALLOWED, "read-only\n");
        }
        match request.uri().path() {
            "/livez" => text(StatusCode::OK, "ok\n"),
            "/readyz" if self.drain.draining() => {
                text(StatusCode::SERVICE_UNAVAILABLE, "draining\n")
            }
            "/readyz" if self.ready.is() => text(StatusCode::OK, "ok\n"),
            "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
            "/metrics" => self.metrics(),
            "/status.json" => json_answer(&self.status()),
            "/status" => html(&self.status()),
            _ => text(
                StatusCode::NOT_FOUND,
                "try /metrics, /livez, /readyz, /status or /status.json\n",
            ),
        }
    }

    fn metrics(&self) -> Response<Body> {
        self.registry.count_breakers();
        match self.registry.metrics().text() {
            Ok(page) => {
                let kind = "text/plain; version=0.0.4; charset=utf-8";
                answer(StatusCode::OK, kind, page)
            }
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
        }
    }

    fn status(&self) -> Value {
        let standings = self.registry.standings();
        let providers = standings.iter().map(|standing| {
            let entry = self.registry.entry(&standing.name);
            let state = entry.as_ref().map(|entry| entry.provider().state());
            let circuits = state
                .map(|state| state.breakers.snapshot())
                .unwrap_or_default();
            let open = circuits
                .iter()
                .filter(|circuit| circuit.state != leeward_circuit_breaker::State::Closed)
                .map(|circuit| state_name(circuit.state))
                .collect::<Vec<_>>();
            json!({
                "provider": standing.name,
                "version": standing.version,
                "faults": standing.faults.len(),
                "circuits": circuits.len(),
                "circuits_not_closed": open,
                "closed_gates": state.map_or(0, |state| state.gate.snapshot().len()),
                "in_flight": state.map_or(0, |state| state.bulkhead.in_flight()),
                "waiting": state.map_or(0, |state| state.bulkhead.waiting()),
            })
        });
        json!({
            "version": crate::VERSION,
            "ready": self.ready.is() && !self.drain.draining(),
            "draining": self.drain.draining(),
            "providers": providers.collect::<Vec<_>>(),
        })
    }
}

fn html(status: &Value) -> Response<Body> {
    let mut rows = String::new();
    for provider in status["providers"].as_array().into_iter().flatten() {
        let cell = |name: &str| {
            escape(&match &provider[name] {
                Value::String(text) => text.clone(),
                Value::Null => "–".to_owned(),
                Value::Array(list) if list.is_empty() => "none".to_owned(),
                other => other.to_string(),
            })
        };
        rows.push_str(&format!(
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}\n",
            cell("provider"),
            cell("version"),
            cell("faults"),
            cell("circuits_not_closed"),
            cell("closed_gates"),
            cell("in_flight"),
            cell("waiting"),
        ));
    }
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Leeward</title>\
         <style>body{{font:16px system-ui;margin:2em}}td,th{{padding:.3em 1em;text-align:left}}</style>\
         <h1>Leeward {}</h1><p>{}</p><table>\
         <tr><th>provider<th>version<th>faults<th>circuits not closed<th>closed gates<th>in flight<th>waiting\n{rows}</table>",
        crate::VERSION,
        if status["ready"] == true {
            "ready"
        } else {
            "not ready"
        },
    );
    answer(StatusCode::OK, "text/html; charset=utf-8", page)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn text(status: StatusCode, text: &str) -> Response<Body> {
    answer(status, "text/plain; charset=utf-8", text.to_owned())
}

fn json_answer(value: &Value) -> Response<Body> {
    answer(StatusCode::OK, "application/json", value.to_string())
}

fn answer(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<bytes::Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
