//! What is made of an account's credential once per token: URLs, headers, parameters.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Full;
use leeward_auth_refresh::{AccountId, Current, Incomplete};
use leeward_auth_schemes::{Inputs, Prepared, Secrets};
use leeward_expression::{Place, Scope, Template};
use leeward_retry::ReplayBody;
use leeward_upstream::{Client, TlsIdentity};
use leeward_wire::BaseUrl;
use serde_json::{Map, Value, json};

use super::Provider;
use crate::call::Call;
use crate::code::Code;
use crate::error::Error;

/// Ready to be put on requests.
#[derive(Debug)]
pub struct Ready {
    default_base: Result<Arc<BaseUrl>, String>,
    bases: HashMap<String, Result<Arc<BaseUrl>, String>>,
    credential: Credential,
    extras: Extras,
    // What templates that read the request see beside it.
    inputs: Inputs,
    /// As whom the connection appears, where that is the account's own.
    pub identity: Option<TlsIdentity>,
}

/// What goes on requests: made once, or for each, where its templates read the request or the clock.
#[derive(Debug)]
enum Credential {
    Made(Prepared),
    PerRequest,
}

/// The provider's own headers and parameters, added where the caller has not set them.
#[derive(Debug, Default)]
struct Extras {
    headers: Vec<(HeaderName, Extra<HeaderValue>)>,
    query: Vec<(String, Extra<String>)>,
}

/// Made once, or for each request.
#[derive(Debug)]
enum Extra<T> {
    Made(T),
    PerRequest(Template),
}

impl Extras {
    /// Whether any of them is made for each request.
    fn ask(&self) -> bool {
        let header = |(_, extra): &(_, Extra<_>)| matches!(extra, Extra::PerRequest(_));
        let query = |(_, extra): &(_, Extra<_>)| matches!(extra, Extra::PerRequest(_));
        self.headers.iter().any(header) || self.query.iter().any(query)
    }
}

impl Ready {
    /// A base URL.
    pub fn base(&self, name: Option<&str>) -> Option<Arc<BaseUrl>> {
        self.base_or_fault(name).ok()
    }

    fn base_or_fault(&self, name: Option<&str>) -> Result<Arc<BaseUrl>, String> {
        match name {
            None => self.default_base.clone(),
            Some(name) => self
                .bases
                .get(name)
                .cloned()
                .unwrap_or_else(|| Err("a base that this provider does not have".to_owned())),
        }
    }
}

impl Provider {
    /// What is ready for an account's credential; made when it is first asked for.
    pub fn ready(&self, current: &Current<Secrets>) -> Result<Arc<Ready>, Incomplete> {
        current.derive(self.generation, |current| {
            let inputs = Inputs::new(current.account.as_str(), &current.credential);
            self.make_ready(inputs)
        })
    }

    /// The same for a call without an account: the credential is the file's own, if there is any.
    pub(super) fn plainly(&self) -> Result<Ready, Incomplete> {
        self.make_ready(Inputs::new("", &Secrets::default()))
    }

    /// The client for an account's token calls: they appear as whom its requests appear as.
    pub fn token_client(&self, account: &AccountId) -> Client<Full<Bytes>> {
        let current = self.shared.keeper.peek(account);
        let identity = current.and_then(|current| {
            let inputs = Inputs::new(account.as_str(), &current.credential);
            self.wire.identity_of(&inputs.scope()).ok().flatten()
        });
        self.wire.tokens(identity.as_ref())
    }

    fn make_ready(&self, inputs: Inputs) -> Result<Ready, Incomplete> {
        let inputs = self.with_client(inputs)?;
        let placements = self.auth.placements();
        let credential = if placements.per_request() {
            Credential::PerRequest
        } else {
            Credential::Made(placements.prepare(&inputs)?)
        };
        let names = inputs.scope();
        let extras = self.extras(&names)?;
        let ready = Ready {
            default_base: self.bases.fill(None, &names),
            bases: self
                .bases
                .names()
                .map(|name| (name.to_owned(), self.bases.fill(Some(name), &names)))
                .collect(),
            identity: self.wire.identity_of(&names)?,
            credential,
            extras,
            inputs: Inputs::default(),
        };
        drop(names);
        Ok(Ready { inputs, ..ready })
    }

    /// Fills `client`, where a template names it.
    fn with_client(&self, inputs: Inputs) -> Result<Inputs, Incomplete> {
        let extras = self
            .config
            .headers
            .values()
            .chain(self.config.query.values());
        let named = self.auth.placements().names().contains("client")
            || extras
                .into_iter()
                .any(|text| text.0.names().contains("client"));
        match self.auth.scheme().endpoint() {
            Some(endpoint) if named => endpoint.with_client(&inputs),
            _ => Ok(inputs),
        }
    }

    fn extras(&self, scope: &Scope<'_>) -> Result<Extras, Incomplete> {
        let mut extras = Extras::default();
        for (name, text) in &self.config.headers {
            let Ok(name) = HeaderName::try_from(name.as_str()) else {
                continue;
            };
            if text.0.per_request() {
                let extra = Extra::PerRequest(text.0.clone());
                extras.headers.push((name, extra));
            } else if let Some(value) = filled(&text.0, scope, Place::Header)? {
                extras.headers.push((name, Extra::Made(header(&value)?)));
            }
        }
        for (name, text) in &self.config.query {
            if text.0.per_request() {
                let extra = Extra::PerRequest(text.0.clone());
                extras.query.push((name.clone(), extra));
            } else if let Some(value) = filled(&text.0, scope, Place::Raw)? {
                extras.query.push((name.clone(), Extra::Made(value)));
            }
        }
        Ok(extras)
    }

    /// Writes URL, headers and parameters of a call onto its request.
    pub fn put_on<B>(
        &self,
        ready: &Ready,
        request: &mut Request<ReplayBody<B>>,
    ) -> Result<(), PutFault> {
        let base_name = Call::of(request).and_then(|call| call.base().map(str::to_owned));
        let base = ready
            .base_or_fault(base_name.as_deref())
            .map_err(PutFault::missing)?;
        let uri = base
            .join(crate::egress::tail_of(request.uri()))
            .map_err(|error| {
                PutFault::Refused(Error::refused(Code::InvalidRequest, error.to_string()))
            })?;
        *request.uri_mut() = uri;
        // One time for all templates of a request; read only where one may ask for it.
        let asks = matches!(ready.credential, Credential::PerRequest) || ready.extras.ask();
        let now = if asks { millis(self.wall()) } else { 0 };
        self.put_extras(ready, request, now)?;
        let made;
        let credential = match &ready.credential {
            Credential::Made(credential) => credential,
            // Last, so that it sees what is sent.
            Credential::PerRequest => {
                let inputs = ready.inputs.clone().request(request_value(request)).at(now);
                made = self.auth.placements().prepare(&inputs)?;
                &made
            }
        };
        credential.apply(request);
        if let Some(held) = request.body().held_bytes() {
            let merged = credential.merge_body(content_type(request.headers()), held);
            if let Some(merged) = merged {
                request.headers_mut().remove(http::header::CONTENT_LENGTH);
                *request.body_mut() = ReplayBody::held(merged);
            }
        }
        if let Some(identity) = &ready.identity {
            request.extensions_mut().insert(identity.clone());
        }
        Ok(())
    }

    fn put_extras<B>(
        &self,
        ready: &Ready,
        request: &mut Request<ReplayBody<B>>,
        now: i64,
    ) -> Result<(), PutFault> {
        let extras = &ready.extras;
        let per_request = extras
            .headers
            .iter()
            .any(|(_, e)| matches!(e, Extra::PerRequest(_)))
            || extras
                .query
                .iter()
                .any(|(_, e)| matches!(e, Extra::PerRequest(_)));
        let seen = per_request.then(|| request_value(request));
        let scope = seen
            .as_ref()
            .map(|seen| ready.inputs.scope().with("request", seen).at(now));
        for (name, extra) in &extras.headers {
            if request.headers().contains_key(name) {
                continue;
            }
            let value = match (extra, &scope) {
                (Extra::Made(value), _) => Some(value.clone()),
                (Extra::PerRequest(template), Some(scope)) => {
                    filled(template, scope, Place::Header)?
                        .map(|value| header(&value))
                        .transpose()?
                }
                (Extra::PerRequest(_), None) => None,
            };
            if let Some(value) = value {
                request.headers_mut().insert(name.clone(), value);
            }
        }
        for (name, extra) in &extras.query {
            if leeward_wire::query_has(request.uri().query(), name) {
                continue;
            }
            let value = match (extra, &scope) {
                (Extra::Made(value), _) => Some(value.clone()),
                (Extra::PerRequest(template), Some(scope)) => filled(template, scope, Place::Raw)?,
                (Extra::PerRequest(_), None) => None,
            };
            if let Some(value) = value {
                let uri =
                    leeward_wire::append_query(request.uri(), name, &value).map_err(|error| {
                        PutFault::Refused(Error::refused(Code::InvalidRequest, error.to_string()))
                    })?;
                *request.uri_mut() = uri;
            }
        }
        Ok(())
    }

    /// Writes the URL of a call that has no credential.
    pub fn address_plainly<B>(&self, request: &mut Request<ReplayBody<B>>) -> Result<(), Error> {
        let ready = self
            .state
            .plain
            .get_or_make(self.generation, || self.plainly());
        let ready = ready.map_err(|missing| incomplete(&missing.missing))?;
        self.put_on(&ready, request).map_err(|fault| match fault {
            PutFault::Missing(missing) => incomplete(&missing.missing),
            PutFault::Refused(error) => error,
        })
    }
}

/// Why a request cannot be written.
#[derive(Debug)]
pub enum PutFault {
    /// The account lacks something.
    Missing(Incomplete),
    /// The request itself is at fault.
    Refused(Error),
}

impl PutFault {
    fn missing(missing: String) -> Self {
        Self::Missing(Incomplete { missing })
    }
}

impl From<Incomplete> for PutFault {
    fn from(missing: Incomplete) -> Self {
        Self::Missing(missing)
    }
}

fn incomplete(missing: &str) -> Error {
    Error::refused(
        Code::AccountIncomplete,
        format!("the account lacks {missing}"),
    )
}

fn filled(
    template: &Template,
    scope: &Scope<'_>,
    place: Place,
) -> Result<Option<String>, Incomplete> {
    template
        .render(scope, place)
        .map(leeward_expression::Rendered::into_text)
        .map_err(|fault| Incomplete {
            missing: fault.to_string(),
        })
}

fn content_type(headers: &http::HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE)?.to_str().ok()
}

fn header(value: &str) -> Result<HeaderValue, Incomplete> {
    HeaderValue::try_from(value).map_err(|_| Incomplete {
        missing: "a value that a header may hold".to_owned(),
    })
}

fn millis(time: std::time::SystemTime) -> i64 {
    time.duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

/// Whether a template may read the request's body.
pub(super) fn reads_body(template: &Template) -> bool {
    let reads = |path: &str| {
        path == "request" || path.starts_with("request.body") || path.starts_with("request.form")
    };
    template.names().reads_all() || template.paths().any(reads)
}

/// `request` as a template sees it; its body, where it is held, as text.
fn request_value<B>(request: &Request<ReplayBody<B>>) -> Value {
    let uri = request.uri();
    let body = request
        .body()
        .held_bytes()
        .map(|body| String::from_utf8_lossy(body));
    let is_form = content_type(request.headers())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let form = body.as_deref().filter(|_| is_form);
    let mut headers = Map::new();
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        add(&mut headers, name.as_str().to_owned(), value.into());
    }
    let id = Call::of(request).map(|call| call.request_id.as_str().to_owned());
    json!({
        "id": id,
        "method": request.method().as_str(),
        "host": uri.host(),
        "path": uri.path(),
        "query": pairs(uri.query().unwrap_or_default()),
        "form": pairs(form.unwrap_or_default()),
        "headers": headers,
        "body": body,
    })
}

/// The fields of a query or a form, decoded.
fn pairs(text: &str) -> Map<String, Value> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    let mut fields = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        add(&mut fields, decode(name), decode(value).into());
    }
    fields
}

/// A repeated name becomes a list.
fn add(map: &mut Map<String, Value>, name: String, value: Value) {
    match map.get_mut(&name) {
        None => {
            map.insert(name, value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(one) => *one = Value::Array(vec![one.take(), value]),
    }
}
