//! One unified call from beginning to end.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body::Body;
use leeward_expression::Bindings;
use serde_json::Value;
use tower_service::Service;

use crate::collect::{CollectError, beginning, whole};
use crate::error::code;
use crate::evaluate::{Failed, Stop};
use crate::input::{self, List};
use crate::request::failed;
use crate::resources::Known;
use crate::response::{MAX_REFUSAL, Side, Told};
use crate::{
    BoxError, Failure, Mapped, MappedBody, MappedRequest, MappedResponseBody, MappingError,
    Resources, Unified, headers,
};

/// Everything that one unified call needs.
pub(crate) struct Call {
    pub(crate) provider: String,
    pub(crate) resources: Arc<Resources>,
    pub(crate) unified: Unified,
    pub(crate) account: Value,
}

/// What is kept of the request side until the answer comes.
struct Asked {
    known: Arc<Known>,
    list: Option<List>,
    bindings: Bindings,
}

/// Waits for a service that was not ready.
pub(crate) async fn ready<S: Service<R>, R>(
    service: &mut S,
    is_ready: bool,
) -> Result<(), S::Error> {
    if is_ready {
        return Ok(());
    }
    poll_fn(|cx| service.poll_ready(cx)).await
}

impl Call {
    pub(crate) async fn run<S, B, RB>(
        self,
        mut inner: S,
        inner_ready: bool,
        request: Request<B>,
    ) -> Result<Response<MappedResponseBody<RB>>, S::Error>
    where
        S: Service<Request<MappedBody<B>>, Response = Response<RB>>,
        S::Error: From<MappingError>,
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
        RB: Body<Data = Bytes>,
        RB::Error: Into<BoxError>,
    {
        let call = Arc::new(self);
        let (mut head, body) = request.into_parts();
        let (mapped, asked) = call.ask(&head.headers, body).await?;
        head.method = mapped.method.clone();
        head.uri = uri(&mapped)?;
        head.version = http::Version::HTTP_11;
        head.headers = call.outgoing(&head.headers, mapped.headers.clone());
        let request = Request::from_parts(head, MappedBody::held(mapped.encoded_body()));
        drop(mapped);
        ready(&mut inner, inner_ready).await?;
        let response = inner.call(request).await?;
        Ok(call.answer(asked, response).await?)
    }

    /// The request side. What can be refused without the body is refused before it is read.
    async fn ask<B>(
        self: &Arc<Self>,
        fields: &HeaderMap,
        body: B,
    ) -> Result<(MappedRequest, Asked), MappingError>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let settings = self.resources.settings();
        let known = Arc::clone(self.resources.find(&self.unified)?);
        let list = if self.unified.is_list() {
            let keys = &settings.cursor_keys;
            let paging = &known.paging;
            let list = List::opened(&self.unified, &self.provider, &self.account, paging, keys)?;
            Some(list)
        } else {
            None
        };
        let body = whole(body, settings.max_buffer)
            .await
            .map_err(|error| match error {
                CollectError::TooLarge => MappingError::RequestTooLarge {
                    limit: settings.max_buffer,
                },
                CollectError::Body(source) => MappingError::RequestBody { source },
            })?;
        let (call, fields) = (Arc::clone(self), fields.clone());
        let engine = known.computes || !body.is_empty();
        let fill = move |stop| call.fill(known, list, &fields, &body, stop);
        if engine {
            self.resources.workers().run(fill).await.map_err(failed)?
        } else {
            // Look-ups alone.
            fill(Stop::default())
        }
    }

    fn fill(
        &self,
        known: Arc<Known>,
        list: Option<List>,
        fields: &HeaderMap,
        body: &Bytes,
        stop: Stop,
    ) -> Result<(MappedRequest, Asked), MappingError> {
        let body = match body.trim_ascii() {
            [] => None,
            body => Some(serde_json::from_slice(body).map_err(|error| {
                MappingError::InvalidRequest(format!("the request's body is not JSON: {error}"))
            })?),
        };
        let account = &self.account;
        let input = input::input(&self.unified, list.as_ref(), fields, body, account);
        let mapped = self
            .resources
            .fill(&known, list.as_ref(), &input, account, stop)?;
        let asked = Asked {
            bindings: input::bindings(&input, account).map_err(failed)?,
            known,
            list,
        };
        Ok((mapped, asked))
    }

    /// What the mapping sets, and what is forwarded of the application's where it does not.
    fn outgoing(&self, from: &HeaderMap, mut fields: HeaderMap) -> HeaderMap {
        for name in self.resources.forwarded() {
            if fields.contains_key(name) {
                continue;
            }
            for value in from.get_all(name) {
                fields.append(name, value.clone());
            }
        }
        fields
    }

    /// The answer side.
    async fn answer<RB>(
        self: &Arc<Self>,
        asked: Asked,
        response: Response<RB>,
    ) -> Result<Response<MappedResponseBody<RB>>, MappingError>
    where
        RB: Body<Data = Bytes>,
        RB::Error: Into<BoxError>,
    {
        let (mut head, body) = response.into_parts();
        let told = head.extensions.remove::<Failure>();
        if told.is_some() || !head.status.is_success() {
            let raw = beginning(body, MAX_REFUSAL).await;
            return Err(self
                .refusal(asked, head.status, head.headers, raw, told)
                .await);
        }
        let limit = self.resources.settings().max_buffer;
        let vendor_status = head.status;
        let raw = whole(body, limit).await.map_err(|error| match error {
            CollectError::TooLarge => MappingError::ResponseTooLarge {
                limit,
                vendor_status,
            },
            CollectError::Body(source) => MappingError::ResponseBody {
                vendor_status,
                source,
            },
        })?;
        let call = Arc::clone(self);
        let fields = head.headers.clone();
        let (mapped, bytes) = self
            .resources
            .workers()
            .run(move |stop| {
                let mapped = call.map(&asked, vendor_status, &fields, &raw, None, stop)?;
                let bytes = match &mapped.body {
                    Value::Null => Ok(Bytes::new()),
                    body => serde_json::to_vec(body).map(Bytes::from),
                };
                let bytes = bytes.map_err(|error| {
                    let failed = Failed::new(code::INTERNAL, error.to_string());
                    response_failed(failed, vendor_status)
                })?;
                Ok::<_, MappingError>((mapped.status, bytes))
            })
            .await
            .map_err(|failed| response_failed(failed, vendor_status))??;
        head.status = mapped;
        head.headers = headers::answered(&head.headers);
        if mapped != StatusCode::NO_CONTENT {
            head.headers
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            head.headers.insert(CONTENT_LENGTH, bytes.len().into());
        }
        Ok(Response::from_parts(head, MappedResponseBody::held(bytes)))
    }

    /// A refusal, as the operation's `error` names it, unless that is known.
    async fn refusal(
        self: &Arc<Self>,
        asked: Asked,
        status: StatusCode,
        fields: HeaderMap,
        raw: Bytes,
        told: Option<Failure>,
    ) -> MappingError {
        let known_failure = told.is_some() || !asked.known.operation.error.reads();
        let failure = told.unwrap_or_else(|| Failure::of_status(status));
        // What it says of the next time goes on with it.
        let wait = fields.get(RETRY_AFTER).cloned();
        let kept: HeaderMap = wait.into_iter().map(|wait| (RETRY_AFTER, wait)).collect();
        let refused = |failure| {
            Told {
                status,
                headers: &kept,
                raw: &raw,
                failure: None,
            }
            .refused(failure)
        };
        if known_failure {
            return refused(failure);
        }
        let (call, body, otherwise) = (Arc::clone(self), raw.clone(), failure.clone());
        let mapped = self
            .resources
            .workers()
            .run(move |stop| call.map(&asked, status, &fields, &body, Some(otherwise), stop))
            .await;
        match mapped {
            Ok(Err(error @ MappingError::Upstream { .. })) => error,
            // It is a refusal all the same.
            _ => refused(failure),
        }
    }

    fn map(
        &self,
        asked: &Asked,
        status: StatusCode,
        fields: &HeaderMap,
        raw: &Bytes,
        failure: Option<Failure>,
        stop: Stop,
    ) -> Result<Mapped, MappingError> {
        let told = Told {
            status,
            headers: fields,
            raw,
            failure,
        };
        let reads_body =
            asked.known.operation.error.reads() || self.unified.operation() != "delete";
        let text = raw.strip_prefix(b"\xEF\xBB\xBF".as_slice()).unwrap_or(raw);
        let body = match text.trim_ascii() {
            [] => None,
            _ if !reads_body => None,
            text => match serde_json::from_slice::<Value>(text) {
                Ok(body) => Some(body),
                // Of a refusal's text, or of what a deletion is answered by, nothing is needed.
                Err(_) if told.failure.is_some() || self.unified.operation() == "delete" => None,
                Err(error) => {
                    let message = format!("the vendor's answer is not JSON: {error}");
                    return Err(told.failed(Failed::new(code::NOT_JSON, message)));
                }
            },
        };
        let side = Side {
            resources: &self.resources,
            call: &self.unified,
            known: &asked.known,
            list: asked.list.as_ref(),
            run: self.resources.start(stop),
        };
        side.map(&told, body.as_ref(), asked.bindings.clone())
    }
}

fn response_failed(failed: Failed, vendor_status: StatusCode) -> MappingError {
    MappingError::ResponseFailed {
        code: failed.code,
        message: failed.message,
        vendor_status,
    }
}

/// The vendor's target in origin form: who sends it puts it below a base.
fn uri(mapped: &MappedRequest) -> Result<Uri, MappingError> {
    let target = PathAndQuery::try_from(mapped.target()).map_err(|error| {
        failed(Failed::new(code::PATH, format!("it is no path: {error}")).of("path"))
    })?;
    Ok(Uri::from(target))
}
