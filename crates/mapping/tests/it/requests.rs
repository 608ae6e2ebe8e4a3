//! The request side.

use http::{HeaderMap, HeaderValue, Method};
use leeward_mapping::{BodyFormat, ListStyle, MappingError, Operation, Unified};
use leeward_pagination::{CursorPages, Paging};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{account, ask, at, cursor_pages, expr, get, list, offset_pages, resources};

fn target(operation: Operation, call: &str) -> String {
    ask(
        &resources(vec![("list", operation.clone()), ("get", operation)]),
        &get(call),
    )
    .unwrap()
    .target()
}

fn error(operation: Operation, call: &str) -> MappingError {
    ask(
        &resources(vec![("list", operation.clone()), ("get", operation)]),
        &get(call),
    )
    .unwrap_err()
}

#[test]
fn a_path_is_filled_and_escaped() {
    assert_eq!(
        target(at("/v3/c/{{id}}"), "m/r/a%2Fb%3F%23%5C%20"),
        "/v3/c/a%2Fb%3F%23%5C%20"
    );
    assert_eq!(
        target(
            at("/{{account.vars.portal}}/{{query.kind}}"),
            "m/r?kind=x%2Fy"
        ),
        "/p%201/x%2Fy"
    );
    assert_eq!(target(at("/{{+ query.kind}}"), "m/r?kind=a/b"), "/a/b");
    assert_eq!(target(at("/c/{{$number(id) + 1}}"), "m/r/41"), "/c/42");
    assert_eq!(target(at("/ä b"), "m/r"), "/%C3%A4%20b");
}

#[test]
fn a_path_that_climbs_is_the_fault_of_who_said_so() {
    for (path, call) in [
        ("/c/{{query.dir}}/x", "m/r?dir=.."),
        ("/c/{{query.dir}}", "m/r?dir=."),
        (
            "/c/{{account.vars.portal}}/{{query.dir}}",
            "m/r?dir=x%2F..%2Fy",
        ),
        ("/c/{{+ query.dir}}", "m/r?dir=a/../b"),
        ("/c/{{query.dir}}", "m/r?dir=..;x"),
        ("/c/{{query.gone}}", "m/r"),
        ("/c/{{id}}", "m/r"),
    ] {
        let error = error(at(path), call);
        assert!(
            matches!(error, MappingError::InvalidRequest(_)),
            "{path}: {error:?}"
        );
    }

    let operation = || at("/{{account.vars.dir}}/{{account.vars.gone}}");
    match error(operation(), "m/r") {
        MappingError::AccountIncomplete { missing } => {
            assert_eq!(missing, "account.vars.dir, account.vars.gone");
        }
        other => panic!("{other:?}"),
    }
    let account = json!({"id": "acme", "vars": {"dir": "..", "gone": "x"}});
    let result = list(operation()).request(&get("m/r"), None, &HeaderMap::new(), &account);
    assert!(
        matches!(result, Err(MappingError::AccountIncomplete { .. })),
        "{result:?}"
    );
}

#[test]
fn a_path_that_is_none_is_the_mappings_fault() {
    for path in [
        "c",
        "",
        "/c?x=1",
        "/c#x",
        "/c\\x",
        "/c\nx",
        "/c/{{$error('no')}}",
    ] {
        let error = error(at(path), "m/r");
        assert!(
            matches!(error, MappingError::RequestFailed { .. }),
            "{path}: {error:?}"
        );
    }
}

#[test]
fn a_query_is_an_object_of_what_can_be_text() {
    let operation = |style| Operation {
        query: expr(
            r#"{"a": query.a, "n": 5, "f": 0.5, "b": true, "null": null, "gone": query.gone,
                "list": ["x", 1, null, "y,z"], "empty": [], "one": [query.a], "sp": "a b&c=d+e"}"#,
        ),
        list_style: style,
        ..at("/c")
    };
    let before = "/c?a=1&n=5&f=0.5&b=true";
    let after = "sp=a%20b%26c%3Dd%2Be";
    for (style, lists) in [
        (ListStyle::Repeat, "list=x&list=1&list=y,z&one=1"),
        (ListStyle::Comma, "list=x,1,y,z&one=1"),
        (
            ListStyle::Brackets,
            "list%5B%5D=x&list%5B%5D=1&list%5B%5D=y,z&one%5B%5D=1",
        ),
    ] {
        assert_eq!(
            target(operation(style), "m/r?a=1"),
            format!("{before}&{lists}&{after}")
        );
    }
    assert_eq!(
        target(
            Operation {
                query: expr("query.gone"),
                ..at("/c")
            },
            "m/r"
        ),
        "/c"
    );

    for wrong in [
        "[1]",
        "'a=1'",
        "1",
        r#"{"a": {"b": 1}}"#,
        r#"{"a": [[1], [2]]}"#,
        "$error('no')",
    ] {
        let error = error(
            Operation {
                query: expr(wrong),
                ..at("/c")
            },
            "m/r",
        );
        assert!(
            matches!(error, MappingError::RequestFailed { .. }),
            "{wrong}: {error:?}"
        );
    }
}

#[test]
fn a_lists_parameters_are_set_after_the_query() {
    let operation = Operation {
        query: expr(r#"{"limit": 3, "after": "mine", "archived": query.archived}"#),
        paging: Some(cursor_pages()),
        ..at("/c")
    };
    assert_eq!(
        target(operation.clone(), "m/r?archived=false"),
        "/c?after=mine&archived=false&limit=10"
    );
    assert_eq!(
        target(operation.clone(), "m/r?limit=7"),
        "/c?after=mine&limit=7"
    );
    assert_eq!(
        target(operation.clone(), "m/r?limit=700"),
        "/c?after=mine&limit=100"
    );

    let input = json!({"query": {"cursor": "c-9", "limit": 2}});
    let mapped = list(operation).request_of(&get("m/r"), &input).unwrap();
    assert_eq!(mapped.target(), "/c?after=c-9&limit=2");

    let offset = Operation {
        paging: Some(offset_pages()),
        ..at("/p")
    };
    assert_eq!(target(offset, "m/r"), "/p?start=0&count=10");
}

#[test]
fn without_parameters_the_mapping_places_position_and_size() {
    let operation = Operation {
        method: Some(Method::POST),
        body: expr(r#"{"from": query.cursor, "size": query.limit, "name": query.name}"#),
        paging: Some(Paging::Cursor(CursorPages::new(
            leeward_expression::Expression::compile("next").unwrap(),
        ))),
        ..at("/search")
    };
    let resources = list(operation);
    let first = ask(&resources, &get("m/r?limit=4&name=x")).unwrap();
    assert_eq!(first.body, Some(json!({"size": 4, "name": "x"})));
    assert_eq!(first.target(), "/search");
    let input = json!({"query": {"cursor": {"id": 5}, "limit": 4}});
    let next = resources.request_of(&get("m/r"), &input).unwrap();
    assert_eq!(next.body, Some(json!({"from": {"id": 5}, "size": 4})));
}

#[test]
fn headers_are_set_but_not_those_of_others() {
    let operation = |source: &str| Operation {
        headers: expr(source),
        ..at("/c")
    };
    let mapped = ask(
        &list(operation(
            r#"{"X-A": "a", "x-list": ["1", 2], "x-gone": query.gone, "Accept": "text/x"}"#,
        )),
        &get("m/r"),
    )
    .unwrap();
    assert_eq!(mapped.headers["x-a"], "a");
    assert_eq!(mapped.headers["accept"], "text/x");
    assert_eq!(mapped.headers.get_all("x-list").iter().count(), 2);
    assert!(!mapped.headers.contains_key("x-gone"));

    for name in [
        "Host",
        "Authorization",
        "Content-Length",
        "Connection",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Upgrade",
        "Keep-Alive",
        "Proxy-Authorization",
        "Leeward-Account",
        "a b",
        "",
    ] {
        let error = error(operation(&format!(r#"{{"{name}": "x"}}"#)), "m/r");
        assert!(
            matches!(error, MappingError::RequestFailed { .. }),
            "{name}: {error:?}"
        );
    }
    let split = error(operation(r#"{"x-a": query.a}"#), "m/r?a=x%0D%0Ay:1");
    assert!(
        matches!(split, MappingError::InvalidRequest(_)),
        "{split:?}"
    );
    assert!(matches!(
        error(operation("'x'"), "m/r"),
        MappingError::RequestFailed { .. }
    ));
}

#[test]
fn a_body_is_json_or_a_form() {
    let call = Unified::parse("m/r", &Method::POST).unwrap();
    let create = |format| {
        let operation = Operation {
            body: expr(r#"{"first": body.name, "tags": body.tags}"#),
            body_format: format,
            ..at("/c")
        };
        let sent = json!({"name": "A & B", "tags": ["x", "y"]});
        resources(vec![("create", operation)])
            .request(&call, Some(sent), &HeaderMap::new(), &account())
            .unwrap()
    };
    let json = create(BodyFormat::Json);
    assert_eq!(json.method, Method::POST);
    assert_eq!(json.headers["content-type"], "application/json");
    assert_eq!(json.encoded_body(), r#"{"first":"A & B","tags":["x","y"]}"#);
    let form = create(BodyFormat::Form);
    assert_eq!(
        form.headers["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert_eq!(form.encoded_body(), "first=A%20%26%20B&tags=x&tags=y");

    let none = ask(&resources(vec![("get", at("/c/{{id}}"))]), &get("m/r/1")).unwrap();
    assert_eq!((none.body.clone(), none.encoded_body()), (None, "".into()));
    assert!(!none.headers.contains_key("content-type"));
    let shown = json!({"method": "GET", "path": "/c/1", "query": {}, "headers": {"accept": "application/json"}, "body": null});
    assert_eq!(none.to_json(), shown);
}

#[test]
fn expressions_see_the_request_and_no_secret() {
    let operation = Operation {
        body: expr("$"),
        ..at("/c/{{id}}")
    };
    let whole = Operation {
        body: expr(r#"{"same": $request = $, "account": $account, "steps": $steps}"#),
        ..at("/c")
    };
    let resources = resources(vec![("update", operation), ("create", whole)]);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("x-a", "1"),
        ("authorization", "Bearer secret"),
        ("cookie", "s=secret"),
        ("leeward-token", "secret"),
        ("proxy-authorization", "secret"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.append("x-b", HeaderValue::from_static("1"));
    headers.append("x-b", HeaderValue::from_static("2"));

    let call = Unified::parse("m/r/17?q=1", &Method::PATCH).unwrap();
    let mapped = resources
        .request(&call, Some(json!({"name": "Ada"})), &headers, &account())
        .unwrap();
    let seen = json!({
        "id": "17",
        "query": {"q": "1"},
        "headers": {"x-a": "1", "x-b": ["1", "2"]},
        "body": {"name": "Ada"},
        "account": account(),
    });
    assert_eq!(mapped.body, Some(seen));

    let call = Unified::parse("m/r", &Method::POST).unwrap();
    let mapped = resources
        .request(&call, None, &headers, &account())
        .unwrap();
    assert_eq!(
        mapped.body,
        Some(json!({"same": true, "account": account(), "steps": {}}))
    );
}

#[test]
fn limits_that_are_none() {
    let resources = list(Operation {
        paging: Some(cursor_pages()),
        ..at("/c")
    });
    for limit in [
        "0",
        "-1",
        "1.5",
        "",
        "x",
        "+1",
        "99999999999999999999",
        "1&limit=2",
    ] {
        let result = ask(&resources, &get(&format!("m/r?limit={limit}")));
        assert!(
            matches!(result, Err(MappingError::InvalidRequest(_))),
            "{limit}: {result:?}"
        );
    }
    // They are the list's own: elsewhere they are a query like any other.
    let get_one = resources_with_query();
    assert_eq!(
        ask(&get_one, &get("m/r/1?limit=0")).unwrap().target(),
        "/c?limit=0"
    );
}

fn resources_with_query() -> leeward_mapping::Resources {
    resources(vec![(
        "get",
        Operation {
            query: expr("query"),
            ..at("/c")
        },
    )])
}

#[test]
fn what_is_not_there_says_what_is() {
    let resources = resources(vec![
        ("list", at("/c")),
        ("get", at("/c")),
        ("merge", at("/m")),
    ]);
    let unknown = ask(&resources, &get("m/x"));
    assert!(matches!(unknown, Err(MappingError::UnknownResource(_))));
    let delete = Unified::parse("m/r/1", &Method::DELETE).unwrap();
    match ask(&resources, &delete) {
        Err(MappingError::UnsupportedOperation { allow, .. }) => {
            assert_eq!(allow, ["GET", "HEAD", "POST"]);
        }
        other => panic!("{other:?}"),
    }
    assert!(resources.has("m/r") && !resources.has("m/x"));
    assert_eq!(resources.names().collect::<Vec<_>>(), ["m/r"]);
}

#[test]
fn what_may_be_sent_twice() {
    let post = |idempotent| Operation {
        method: Some(Method::POST),
        idempotent,
        ..at("/c")
    };
    let resources = resources(vec![
        ("list", post(None)),
        ("get", post(Some(false))),
        ("create", at("/c")),
        ("update", at("/c")),
        ("delete", at("/c")),
        ("merge", post(Some(true))),
    ]);
    for (method, rest, twice) in [
        (Method::GET, "m/r", true),
        (Method::GET, "m/r/1", false),
        (Method::POST, "m/r", false),
        (Method::PATCH, "m/r/1", false),
        (Method::DELETE, "m/r/1", true),
        (Method::POST, "m/r/1/merge", true),
    ] {
        let call = Unified::parse(rest, &method).unwrap();
        assert_eq!(resources.idempotent(&call), twice, "{method} {rest}");
    }
}

proptest! {
    #[test]
    fn no_id_and_no_value_leaves_its_segment(id in ".{1,16}", value in ".{0,16}") {
        let operation = at("/v3/{{id}}/{{query.value}}/end");
        let mut query = serde_json::Map::new();
        query.insert("value".to_owned(), Value::from(value));
        let call = Unified::new("m/r", "get", Some(&id), query);
        match ask(&resources(vec![("get", operation)]), &call) {
            Ok(mapped) => {
                prop_assert_eq!(mapped.path.split('/').count(), 5, "{}", mapped.path);
                prop_assert!(mapped.path.bytes().all(|b| b.is_ascii_graphic() && !b"?#\\".contains(&b)));
                prop_assert!(mapped.target().parse::<http::Uri>().is_ok());
            }
            Err(MappingError::InvalidRequest(_)) => {}
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }
}
