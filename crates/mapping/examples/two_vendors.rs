//! One application, two vendors: nested records behind opaque cursors here, flat ones by offsets there, where a failure
//! comes as a 200. The application sees one shape, one way to page, one kind of error.
//!
//! `cargo run -p leeward-mapping --example two_vendors`
#![expect(clippy::unwrap_used, reason = "an example may panic")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use leeward_expression::{Expression, Template};
use leeward_mapping::{
    BoxError, Caller, ErrorTest, MappedBody, MappingError, MappingLayer, Operation, Resources,
    Settings, Unified,
};
use leeward_pagination::{CursorPages, OffsetPages, Paging, Size};
use serde_json::{Value, json};
use tower::{ServiceBuilder, ServiceExt as _};

const NAMES: [&str; 5] = ["Ada", "Grace", "Edsger", "Barbara", "Donald"];

#[tokio::main]
async fn main() {
    let nested = serve(nested_vendor).await;
    let flat = serve(flat_vendor).await;
    for (name, address, resources) in [
        ("nested", nested, nested_resources()),
        ("flat", flat, flat_resources()),
    ] {
        println!("{name}:");
        let vendor = Vendor {
            name,
            address,
            resources: Arc::new(resources),
        };
        let mut rest = "crm/contacts?limit=2".to_owned();
        loop {
            let page = vendor.call(&rest).await.unwrap();
            println!("  GET /unified/crm/contacts  {}", page["data"]);
            let Some(cursor) = page["next_cursor"].as_str() else {
                break;
            };
            rest = format!("crm/contacts?limit=2&cursor={cursor}");
        }
        match vendor.call("crm/contacts/9").await {
            Ok(found) => println!("  GET /unified/crm/contacts/9  {found}"),
            Err(error) => println!("  GET /unified/crm/contacts/9  {error}"),
        }
    }
}

fn nested_resources() -> Resources {
    let item = expr(r#"{"id": id, "name": properties.firstname}"#);
    let list = Operation {
        item: item.clone(),
        paging: Some(Paging::Cursor(CursorPages {
            items: expr("results"),
            param: Some("after".into()),
            size: Size {
                param: Some("limit".into()),
                ..Size::default()
            },
            ..CursorPages::new(Expression::compile("next").unwrap())
        })),
        ..Operation::new(Template::parse("/v3/contacts").unwrap())
    };
    let get = Operation {
        item,
        error: ErrorTest {
            message: expr("message"),
            ..ErrorTest::default()
        },
        ..Operation::new(Template::parse("/v3/contacts/{{id}}").unwrap())
    };
    contacts(list, get)
}

fn flat_resources() -> Resources {
    let item = expr(r#"{"id": $string(person_id), "name": given}"#);
    let list = Operation {
        item: item.clone(),
        paging: Some(Paging::Offset(OffsetPages {
            items: expr("people"),
            param: Some("start".into()),
            size: Size {
                param: Some("count".into()),
                ..Size::default()
            },
            ..OffsetPages::default()
        })),
        ..Operation::new(Template::parse("/api/people").unwrap())
    };
    let get = Operation {
        item,
        record: expr("person"),
        error: ErrorTest {
            when: expr("ok = false"),
            status: expr("404"),
            message: expr("text"),
            ..ErrorTest::default()
        },
        ..Operation::new(Template::parse("/api/people/{{id}}").unwrap())
    };
    contacts(list, get)
}

fn contacts(list: Operation, get: Operation) -> Resources {
    let operations = vec![("list".to_owned(), list), ("get".to_owned(), get)];
    Resources::new(
        [("crm/contacts".to_owned(), operations)],
        Settings::default(),
    )
}

fn expr(source: &str) -> Option<Expression> {
    Some(Expression::compile(source).unwrap())
}

/// Which requests are unified calls: those with the extension.
#[derive(Clone)]
struct ByExtension(&'static str);

impl<B> Caller<B> for ByExtension {
    fn unified<'a>(&self, request: &'a Request<B>) -> Option<&'a Unified> {
        request.extensions().get()
    }

    fn provider(&self) -> &str {
        self.0
    }

    fn account(&self, _: &Request<B>) -> Value {
        json!({"id": "acme", "vars": {}})
    }
}

struct Vendor {
    name: &'static str,
    address: SocketAddr,
    resources: Arc<Resources>,
}

impl Vendor {
    /// A plain client with the layer around it.
    async fn call(&self, rest: &str) -> Result<Value, BoxError> {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let base = format!("http://{}", self.address);
        let service = ServiceBuilder::new()
            .map_err(refusal_in_words)
            .layer(MappingLayer::new(
                Arc::clone(&self.resources),
                ByExtension(self.name),
            ))
            .map_request(move |mut request: Request<MappedBody<Full<Bytes>>>| {
                *request.uri_mut() = format!("{base}{}", request.uri()).parse::<Uri>().unwrap();
                request
            })
            .map_err(BoxError::from)
            .service(client);
        let request = Request::get(format!("/unified/{rest}"))
            .extension(Unified::parse(rest, &Method::GET)?)
            .body(Full::new(Bytes::new()))?;
        let body = service
            .oneshot(request)
            .await?
            .into_body()
            .collect()
            .await?;
        Ok(serde_json::from_slice(&body.to_bytes())?)
    }
}

fn refusal_in_words(error: BoxError) -> BoxError {
    match error.downcast_ref() {
        Some(MappingError::Upstream {
            status,
            message,
            vendor_status,
            ..
        }) => {
            let message = message.as_deref().unwrap_or("no word");
            format!("{status}: {message:?} (the vendor said {vendor_status})").into()
        }
        _ => error,
    }
}

fn nested_vendor(path: &str, query: Query<'_>) -> (u16, Value) {
    let record = |number: usize| json!({"id": number.to_string(), "properties": {"firstname": NAMES[number]}});
    if path != "/v3/contacts" {
        return (404, json!({"message": "no such contact"}));
    }
    let start = query("after").unwrap_or(0);
    let end = (start + query("limit").unwrap_or(3)).min(NAMES.len());
    let results: Vec<Value> = (start..end).map(record).collect();
    let next = (end < NAMES.len()).then(|| end.to_string());
    (200, json!({"results": results, "next": next}))
}

fn flat_vendor(path: &str, query: Query<'_>) -> (u16, Value) {
    if path != "/api/people" {
        return (200, json!({"ok": false, "text": "nobody"}));
    }
    let start = query("start").unwrap_or(0).min(NAMES.len());
    let end = (start + query("count").unwrap_or(3)).min(NAMES.len());
    let people: Vec<Value> = (start..end)
        .map(|number| json!({"person_id": number, "given": NAMES[number]}))
        .collect();
    (200, json!({"ok": true, "people": people}))
}

type Query<'q> = Box<dyn Fn(&str) -> Option<usize> + 'q>;

/// A vendor on a free port.
async fn serve(vendor: fn(&str, Query<'_>) -> (u16, Value)) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let service =
                hyper::service::service_fn(move |request: Request<Incoming>| async move {
                    let query = |name: &str| {
                        let pairs = request.uri().query()?.split('&');
                        let value = pairs
                            .filter_map(|pair| pair.split_once('='))
                            .find(|(key, _)| *key == name);
                        value?.1.parse().ok()
                    };
                    let (status, body) = vendor(request.uri().path(), Box::new(query));
                    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
                    *response.status_mut() = status.try_into().unwrap();
                    Ok::<_, Infallible>(response)
                });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service),
            );
        }
    });
    address
}
