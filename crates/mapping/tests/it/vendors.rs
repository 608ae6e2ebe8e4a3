//! Two vendors of different shape, paging and errors behind one model, over real HTTP.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use leeward_expression::Expression;
use leeward_mapping::{
    BoxError, ErrorTest, MappedBody, MappingError, MappingLayer, Operation, Resources,
};
use leeward_pagination::{CursorPages, OffsetPages, Paging, Size};
use leeward_vendors::{CursorContacts, OffsetContacts, Server};
use serde_json::{Value, json};
use tower::{ServiceBuilder, ServiceExt};

use crate::support::{ByExtension, at, expr, mapping_error, settings, size, unified, whole};

/// Nested properties, opaque cursors, errors by status.
fn cursor_contacts() -> Resources {
    let item = expr(
        r#"{"id": id, "first_name": properties.firstname, "email": properties.email, "updated_at": updatedAt}"#,
    );
    let error = ErrorTest {
        reason: expr(r#"category = "OBJECT_NOT_FOUND" ? "not_found""#),
        message: expr("message"),
        ..ErrorTest::default()
    };
    let list = Operation {
        item: item.clone(),
        error: error.clone(),
        paging: Some(Paging::Cursor(CursorPages {
            items: expr("results"),
            param: Some("after".into()),
            size: size(),
            ..CursorPages::new(Expression::compile("paging.next.after").unwrap())
        })),
        ..at("/v3/contacts")
    };
    let get = Operation {
        item,
        error,
        ..at("/v3/contacts/{{id}}")
    };
    contacts(list, get)
}

/// Flat, offsets, failures inside a 200.
fn offset_contacts() -> Resources {
    let item = expr(
        r#"{"id": $string(person_id), "first_name": given, "email": mail[0],
            "updated_at": $fromMillis(changed, "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01]Z")}"#,
    );
    let error = ErrorTest {
        when: expr("ok = false"),
        status: expr(r#"error.kind = "missing" ? 404 : 422"#),
        reason: expr(r#"error.kind = "missing" ? "not_found""#),
        message: expr("error.text"),
    };
    let list = Operation {
        item: item.clone(),
        error: error.clone(),
        paging: Some(Paging::Offset(OffsetPages {
            items: expr("people"),
            param: Some("start".into()),
            size: Size {
                param: Some("count".into()),
                ..size()
            },
            ..OffsetPages::default()
        })),
        ..at("/api/people")
    };
    let get = Operation {
        item,
        error,
        record: expr("person"),
        ..at("/api/people/{{id}}")
    };
    contacts(list, get)
}

fn contacts(list: Operation, get: Operation) -> Resources {
    let operations = vec![("list".to_owned(), list), ("get".to_owned(), get)];
    Resources::new([("crm/contacts".to_owned(), operations)], settings())
}

/// A plain client with the layer around it.
async fn call(
    resources: &Arc<Resources>,
    vendor: &Server,
    rest: &str,
) -> Result<Value, MappingError> {
    let client: Client<HttpConnector, MappedBody<Full<Bytes>>> =
        Client::builder(TokioExecutor::new()).build_http();
    let base = vendor.url();
    let service = ServiceBuilder::new()
        .layer(MappingLayer::new(Arc::clone(resources), ByExtension))
        .map_request(move |mut request: Request<MappedBody<Full<Bytes>>>| {
            *request.uri_mut() = format!("{base}{}", request.uri()).parse::<Uri>().unwrap();
            request
        })
        .map_err(BoxError::from)
        .service(client);
    let response = whole(service.boxed(), unified(rest))
        .await
        .map_err(mapping_error)?;
    assert_eq!(response.status(), StatusCode::OK);
    Ok(serde_json::from_slice(response.body()).unwrap())
}

async fn all(resources: Resources, vendor: &Server, limits: &[u32]) -> Vec<Value> {
    let resources = Arc::new(resources);
    let (mut seen, mut rest) = (Vec::new(), String::new());
    for limit in limits.iter().cycle() {
        let page = call(
            &resources,
            vendor,
            &format!("crm/contacts?limit={limit}{rest}"),
        )
        .await
        .unwrap();
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= *limit as usize);
        assert_eq!(page["source"], "live");
        seen.extend(data.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => rest = format!("&cursor={cursor}"),
            None => break,
        }
    }
    seen
}

#[tokio::test]
async fn two_vendors_give_the_same_contacts() {
    let by_cursor = Server::start(CursorContacts::new(23)).await.unwrap();
    let by_offset = Server::start(OffsetContacts::new(23)).await.unwrap();
    let one = all(cursor_contacts(), &by_cursor, &[7, 1, 12]).await;
    let other = all(offset_contacts(), &by_offset, &[3, 10]).await;
    assert_eq!(one.len(), 23);
    assert_eq!(one, other);
    let last = json!({"id": "23", "first_name": "Barbara", "email": "contact23@example.com", "updated_at": "2026-01-01T00:00:00Z"});
    assert_eq!(one[22], last);

    let one = call(&Arc::new(cursor_contacts()), &by_cursor, "crm/contacts/23")
        .await
        .unwrap();
    let other = call(&Arc::new(offset_contacts()), &by_offset, "crm/contacts/23")
        .await
        .unwrap();
    assert_eq!(one, json!({"data": last, "source": "live"}));
    assert_eq!(one, other);
}

#[tokio::test]
async fn two_vendors_refuse_alike() {
    let by_cursor = Server::start(CursorContacts::new(2)).await.unwrap();
    let by_offset = Server::start(OffsetContacts::new(2)).await.unwrap();
    for (resources, vendor, told) in [
        (cursor_contacts(), by_cursor, (404, "no such contact")),
        (offset_contacts(), by_offset, (200, "nobody")),
    ] {
        match call(&Arc::new(resources), &vendor, "crm/contacts/9").await {
            Err(MappingError::Upstream {
                status,
                reason,
                message,
                vendor_status,
                ..
            }) => {
                assert_eq!(
                    (status, reason.as_deref()),
                    (StatusCode::NOT_FOUND, Some("not_found"))
                );
                assert_eq!(
                    (vendor_status.as_u16(), message.as_deref()),
                    (told.0, Some(told.1))
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_vendors_default_size_without_a_limit() {
    let vendor = Server::start(OffsetContacts::new(3)).await.unwrap();
    let resources = Arc::new(offset_contacts());
    let page = call(&resources, &vendor, "crm/contacts").await.unwrap();
    assert_eq!(page["data"].as_array().map(Vec::len), Some(3));
    // Short, and yet not the end: only an empty page is.
    let cursor = page["next_cursor"].as_str().unwrap();
    let last = call(
        &resources,
        &vendor,
        &format!("crm/contacts?cursor={cursor}"),
    )
    .await
    .unwrap();
    assert_eq!(
        last,
        json!({"data": [], "next_cursor": null, "source": "live"})
    );
}
