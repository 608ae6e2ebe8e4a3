//! `leeward explain`.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use leeward_config::ExpressionHooks;
use leeward_rate_limit_normalize::{Answer, Look, Rules};
use serde_json::{Value, json};

use super::{ConfigDir, Failure, print, read_json};
use crate::adapters::verdict;
use crate::error::Error;

/// Says what Leeward makes of a recorded answer; starts no server.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigDir,
    /// Whose answer it is
    #[arg(long)]
    provider: String,
    /// JSON: request{method,path}, response{status,headers,body}, now (- for standard input)
    #[arg(long, value_name = "FILE")]
    response: PathBuf,
    /// For which account of accounts/*.yaml
    #[arg(long)]
    account: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = crate::load(&arguments.config.dir, &arguments.config.overrides);
    let file = provider(&loaded, &arguments.provider)?;
    let rules = Rules::compile(&file.rate_limit.rules, &ExpressionHooks::default())
        .map_err(|faults| Failure::Input(format!("rate_limit.rules: {faults:?}")))?;
    let account = account(&loaded, arguments.account.as_deref())?;
    let recorded = Recorded::read(&read_json(&arguments.response)?)?;
    let look = recorded.look(file.rate_limit.look.bytes());
    let mut answer = Answer {
        status: recorded.status,
        headers: &recorded.headers,
        body: None,
        method: &recorded.method,
        path: &recorded.path,
    };
    // A body counts where the pipeline would have read it.
    if rules.wants_body(&answer, recorded.now) {
        answer.body = look.as_ref();
    }
    let judgement = rules.explain(&answer, &account, recorded.now);
    let breaker = if judgement.rate_limited {
        "ignored"
    } else {
        let mut response = Response::new(());
        *response.status_mut() = recorded.status;
        match verdict::<()>(Ok::<_, &Error>(&response)) {
            leeward_circuit_breaker::Verdict::Success => "success",
            leeward_circuit_breaker::Verdict::Failure => "failure",
            leeward_circuit_breaker::Verdict::Ignored => "ignored",
        }
    };
    let explanation = judgement.explanation(breaker);
    print(&serde_json::to_string_pretty(&explanation).map_err(Failure::internal)?)
}

/// A provider of what was loaded, or what is wrong with its file.
pub(super) fn provider(
    loaded: &leeward_config::Loaded,
    name: &str,
) -> Result<std::sync::Arc<leeward_config::Provider>, Failure> {
    let Some(source) = loaded.providers.iter().find(|source| source.name == name) else {
        let known: Vec<&str> = loaded
            .providers
            .iter()
            .map(|source| source.name.as_str())
            .collect();
        return Err(Failure::Input(format!(
            "no provider is called {name:?}; there are: {}",
            known.join(", ")
        )));
    };
    source.result.clone().map_err(|faults| {
        let said: Vec<_> = faults.iter().map(ToString::to_string).collect();
        Failure::Input(said.join("\n"))
    })
}

fn account(loaded: &leeward_config::Loaded, id: Option<&str>) -> Result<Value, Failure> {
    let Some(id) = id else {
        return Ok(json!({ "vars": {} }));
    };
    let account = loaded
        .accounts
        .iter()
        .filter_map(|source| source.result.as_ref().ok())
        .find(|account| account.account.0.as_str() == id)
        .ok_or_else(|| Failure::Input(format!("no file in accounts/ has the account {id:?}")))?;
    Ok(json!({ "id": id, "vars": account.vars }))
}

/// A recorded exchange.
struct Recorded {
    method: Method,
    path: String,
    status: StatusCode,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    now: SystemTime,
}

impl Recorded {
    fn read(file: &Value) -> Result<Self, Failure> {
        let bad = |what: &str| Failure::Input(format!("the recorded response: {what}"));
        let response = file
            .get("response")
            .ok_or_else(|| bad("`response` is missing"))?;
        let status = response["status"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok())
            .and_then(|status| StatusCode::from_u16(status).ok())
            .ok_or_else(|| bad("`response.status` must be a status code"))?;
        let request = &file["request"];
        let method = request["method"].as_str().unwrap_or("GET");
        let body = match &response["body"] {
            Value::Null => None,
            Value::String(text) => Some(text.clone().into_bytes()),
            other => Some(other.to_string().into_bytes()),
        };
        let mut headers = headers(&response["headers"]).map_err(|what| bad(&what))?;
        let json = !matches!(response["body"], Value::Null | Value::String(_));
        if json && !headers.contains_key(http::header::CONTENT_TYPE) {
            // Recorded as JSON: it was.
            let kind = HeaderValue::from_static("application/json");
            headers.insert(http::header::CONTENT_TYPE, kind);
        }
        Ok(Self {
            method: method
                .parse()
                .map_err(|_| bad("`request.method` is no method"))?,
            path: request["path"].as_str().unwrap_or("/").to_owned(),
            status,
            headers,
            body,
            now: match &file["now"] {
                Value::Null => SystemTime::now(),
                now => now
                    .as_f64()
                    .and_then(|now| Duration::try_from_secs_f64(now).ok())
                    .and_then(|since| UNIX_EPOCH.checked_add(since))
                    .ok_or_else(|| bad("`now` must be unix seconds"))?,
            },
        })
    }

    fn look(&self, most: usize) -> Option<Look> {
        let body = self.body.as_ref()?;
        (body.len() <= most).then(|| Look::new(body.clone(), true))
    }
}

/// Header fields as a recorded answer has them; a value may be a list.
pub(super) fn headers(value: &Value) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let Some(members) = value.as_object() else {
        return if value.is_null() {
            Ok(headers)
        } else {
            Err("`response.headers` must be an object".to_owned())
        };
    };
    for (name, value) in members {
        let field = HeaderName::try_from(name.as_str())
            .map_err(|_| format!("{name:?} is no header name"))?;
        let values = match value {
            Value::Array(values) => values.iter().collect(),
            one => vec![one],
        };
        for value in values {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let value =
                HeaderValue::try_from(text).map_err(|_| format!("{name}: no header value"))?;
            headers.append(field.clone(), value);
        }
    }
    Ok(headers)
}
