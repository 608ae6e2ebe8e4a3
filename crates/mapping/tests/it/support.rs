//! Mappings, and services around them.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use leeward_expression::{Expression, Template};
use leeward_mapping::{
    BoxError, Caller, MappedBody, MappingError, MappingLayer, Operation, Resources, Settings,
    Unified, VendorAnswer,
};
use leeward_pagination::{CursorKeys, CursorPages, OffsetPages, Paging, Size};
use serde_json::{Value, json};
use tower::{Service, ServiceExt};

pub fn expr(source: &str) -> Option<Expression> {
    Some(Expression::compile(source).unwrap())
}

pub fn at(path: &str) -> Operation {
    Operation::new(Template::parse(path).unwrap())
}

pub fn settings() -> Settings {
    Settings {
        cursor_keys: CursorKeys::new(vec![[3; 32]]),
        ..Settings::default()
    }
}

/// One resource, `m/r`.
pub fn resources(operations: Vec<(&str, Operation)>) -> Resources {
    let operations = operations
        .into_iter()
        .map(|(name, operation)| (name.to_owned(), operation))
        .collect();
    Resources::new([("m/r".to_owned(), operations)], settings())
}

pub fn list(operation: Operation) -> Resources {
    resources(vec![("list", operation)])
}

pub fn size() -> Size {
    Size {
        param: Some("limit".into()),
        value: Some(10),
        max: Some(100),
    }
}

pub fn cursor_pages() -> Paging {
    Paging::Cursor(CursorPages {
        items: expr("results"),
        param: Some("after".into()),
        size: size(),
        ..CursorPages::new(Expression::compile("next").unwrap())
    })
}

pub fn offset_pages() -> Paging {
    Paging::Offset(OffsetPages {
        items: expr("people"),
        param: Some("start".into()),
        size: Size {
            param: Some("count".into()),
            ..size()
        },
        ..OffsetPages::default()
    })
}

pub fn get(rest: &str) -> Unified {
    Unified::parse(rest, &Method::GET).unwrap()
}

pub fn account() -> Value {
    json!({"id": "acme", "vars": {"portal": "p 1"}})
}

/// The request phase alone.
pub fn ask(
    resources: &Resources,
    call: &Unified,
) -> Result<leeward_mapping::MappedRequest, MappingError> {
    resources.request(call, None, &HeaderMap::new(), &account())
}

/// The answer phase alone, to a vendor's 200.
pub fn answer(resources: &Resources, call: &Unified, body: Value) -> Result<Value, MappingError> {
    answer_with(resources, call, 200, body)
}

pub fn answer_with(
    resources: &Resources,
    call: &Unified,
    status: u16,
    body: Value,
) -> Result<Value, MappingError> {
    let vendor = VendorAnswer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body,
    };
    let request = json!({"query": call.query(), "account": account()});
    Ok(resources
        .response(call, &vendor, &request, &account())?
        .body)
}

/// Unified calls are those with the extension.
#[derive(Debug, Clone)]
pub struct ByExtension;

impl<B> Caller<B> for ByExtension {
    fn unified<'a>(&self, request: &'a Request<B>) -> Option<&'a Unified> {
        request.extensions().get()
    }

    fn provider(&self) -> &str {
        "vendor"
    }

    fn account(&self, request: &Request<B>) -> Value {
        let name = request.headers().get("x-account");
        json!({"id": name.map_or("acme", |name| name.to_str().unwrap()), "vars": {}})
    }
}

/// A unified request with an empty body.
pub fn unified(rest: &str) -> Request<Full<Bytes>> {
    request(Method::GET, rest, "")
}

pub fn request(method: Method, rest: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let call = Unified::parse(rest, &method).unwrap();
    Request::builder()
        .method(method)
        .uri(format!("/unified/{rest}"))
        .extension(call)
        .body(Full::new(body.into()))
        .unwrap()
}

/// The layer around a vendor that is a function, and what it makes of a request.
pub async fn through<F>(
    resources: Resources,
    vendor: F,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, BoxError>
where
    F: Fn(&Request<MappedBody<Full<Bytes>>>) -> Response<Full<Bytes>> + Clone + Send + 'static,
{
    let vendor = tower::service_fn(move |request: Request<MappedBody<Full<Bytes>>>| {
        let response = vendor(&request);
        async move { Ok::<_, BoxError>(response) }
    });
    let service = tower::ServiceBuilder::new()
        .layer(MappingLayer::new(Arc::new(resources), ByExtension))
        .service(vendor);
    whole(service, request).await
}

/// Calls a service and takes the body whole.
pub async fn whole<S, B, RB>(service: S, request: Request<B>) -> Result<Response<Bytes>, BoxError>
where
    S: Service<Request<B>, Response = Response<RB>, Error = BoxError>,
    RB: http_body::Body<Data = Bytes>,
    RB::Error: Into<BoxError>,
{
    let (head, body) = service.oneshot(request).await?.into_parts();
    let body = body.collect().await.map_err(Into::into)?.to_bytes();
    Ok(Response::from_parts(head, body))
}

pub fn json_answer(body: &Value) -> Response<Full<Bytes>> {
    text_answer(200, body.to_string())
}

pub fn text_answer(status: u16, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// The mapping's error inside what a service failed with.
pub fn mapping_error(error: BoxError) -> MappingError {
    *error.downcast().unwrap_or_else(|other| panic!("{other}"))
}
