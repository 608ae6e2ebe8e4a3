//! The answer side.

use http::Method;
use leeward_mapping::{MappingError, OnItemError, Operation, Resources, Unified};
use serde_json::{Value, json};

use crate::support::{answer, at, cursor_pages, expr, get, list, offset_pages, resources};

fn contacts(operation: Operation) -> Resources {
    list(Operation {
        item: expr(r#"{"id": $string(id)}"#),
        paging: Some(cursor_pages()),
        ..operation
    })
}

fn failed(result: Result<Value, MappingError>) -> (String, String) {
    match result {
        Err(MappingError::ResponseFailed {
            code,
            message,
            vendor_status,
        }) => {
            assert_eq!(vendor_status, 200);
            (code, message)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_page_is_mapped_record_by_record() {
    let page = answer(
        &contacts(at("/c")),
        &get("m/r"),
        json!({"results": [{"id": 1}, {"id": "x"}], "next": null}),
    );
    let expected =
        json!({"data": [{"id": "1"}, {"id": "x"}], "next_cursor": null, "source": "live"});
    assert_eq!(page.unwrap(), expected);
}

#[test]
fn source_is_the_last_member() {
    let page = answer(
        &contacts(at("/c")),
        &get("m/r"),
        json!({"results": [], "next": "b"}),
    )
    .unwrap();
    assert!(page.to_string().ends_with(r#","source":"live"}"#), "{page}");
    let one = answer(
        &resources(vec![("get", at("/c"))]),
        &get("m/r/1"),
        json!({"id": 1}),
    )
    .unwrap();
    assert_eq!(one.to_string(), r#"{"data":{"id":1},"source":"live"}"#);
}

#[test]
fn items_are_a_list_one_object_or_null() {
    let resources = contacts(at("/c"));
    let data = |results: Value| {
        answer(&resources, &get("m/r"), json!({"results": results})).unwrap()["data"].clone()
    };
    assert_eq!(data(json!([])), json!([]));
    assert_eq!(data(json!(null)), json!([]));
    assert_eq!(data(json!({"id": 1})), json!([{"id": "1"}]));
    assert_eq!(data(json!([{"id": 1}])), json!([{"id": "1"}]));
}

#[test]
fn a_renamed_member_does_not_look_like_an_empty_list() {
    let resources = contacts(at("/c"));
    let (code, message) = failed(answer(
        &resources,
        &get("m/r"),
        json!({"records": [{"id": 1}]}),
    ));
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("nothing", "`items`: the result is nothing")
    );
    for results in [json!("x"), json!(5), json!(true)] {
        let (code, _) = failed(answer(&resources, &get("m/r"), json!({"results": results})));
        assert_eq!(code, "wrong_type");
    }
    // Nor does a renamed member of a record look like a record.
    let renamed = list(Operation {
        item: expr("name"),
        ..at("/c")
    });
    failed(answer(&renamed, &get("m/r"), json!([{"title": "x"}])));
    let one = Operation {
        record: expr("person"),
        item: expr("$"),
        ..at("/c")
    };
    let one = resources_get(one);
    let (_, message) = failed(answer(&one, &get("m/r/1"), json!({"human": {}})));
    assert_eq!(message, "`record`: the result is nothing");
    failed(answer(&one, &get("m/r/1"), json!({"person": null})));
}

fn resources_get(operation: Operation) -> Resources {
    resources(vec![("get", operation)])
}

#[test]
fn an_operations_items_take_the_place_of_the_pagings() {
    let operation = Operation {
        items: expr("data.rows"),
        ..at("/c")
    };
    let page = answer(
        &contacts(operation),
        &get("m/r"),
        json!({"data": {"rows": [{"id": 2}]}}),
    );
    assert_eq!(page.unwrap()["data"], json!([{"id": "2"}]));
    // Without any the answer itself is the list.
    let bare = list(at("/c"));
    assert_eq!(
        answer(&bare, &get("m/r"), json!([1, 2])).unwrap()["data"],
        json!([1, 2])
    );
}

#[test]
fn response_gives_records_or_the_answer_itself() {
    let operation = Operation {
        response: expr(r#"results.{"n": id}"#),
        ..at("/c")
    };
    let body = json!({"results": [{"id": 1}, {"id": 2}], "next": "b"});
    let page = answer(
        &contacts(operation.clone()),
        &get("m/r?limit=1"),
        body.clone(),
    )
    .unwrap();
    assert_eq!(page["data"], json!([{"n": 1}]));
    assert!(page["next_cursor"].is_string());
    let one = answer(&resources_get(operation), &get("m/r/1"), body).unwrap();
    assert_eq!(one["data"], json!([{"n": 1}, {"n": 2}]));
}

#[test]
fn bad_records_fail_the_page_or_are_reported() {
    let operation = |on_item_error| Operation {
        on_item_error,
        item: expr(r#"id > 0 ? {"id": id} : $error("no id")"#),
        paging: Some(offset_pages()),
        ..at("/c")
    };
    let body = json!({"people": [{"id": 1}, {"id": "x"}, {"id": 3}, {"id": 0}]});
    let (code, message) = failed(answer(
        &list(operation(OnItemError::Fail)),
        &get("m/r"),
        body.clone(),
    ));
    assert_eq!(code, "T2009");
    assert!(message.starts_with("`item`"), "{message}");

    let page = answer(&list(operation(OnItemError::Skip)), &get("m/r"), body).unwrap();
    assert_eq!(page["data"], json!([{"id": 1}, {"id": 3}]));
    let errors = page["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2);
    assert_eq!(
        (&errors[0]["index"], &errors[0]["code"]),
        (&json!(1), &json!("T2009"))
    );
    assert_eq!(
        (&errors[1]["index"], &errors[1]["code"]),
        (&json!(3), &json!("D3137"))
    );
}

#[test]
fn the_answer_side_sees_request_response_and_account() {
    let operation = Operation {
        item: expr(
            r#"{"q": $request.query.q, "status": $response.status, "of": $count($response.body.results),
                "account": $account.id, "steps": $steps, "id": id}"#,
        ),
        paging: Some(cursor_pages()),
        ..at("/c")
    };
    let page = answer(
        &list(operation),
        &get("m/r?q=x"),
        json!({"results": [{"id": 7}, {"id": 8}]}),
    );
    let seen = |id: u8| json!({"q": "x", "status": 200, "of": 2, "account": "acme", "steps": {}, "id": id});
    assert_eq!(page.unwrap()["data"], json!([seen(7), seen(8)]));
}

#[test]
fn an_empty_answer() {
    let page = answer(&contacts(at("/c")), &get("m/r"), Value::Null).unwrap();
    assert_eq!(
        page,
        json!({"data": [], "next_cursor": null, "source": "live"})
    );

    match answer(&resources_get(at("/c")), &get("m/r/1"), Value::Null) {
        Err(MappingError::Upstream {
            status,
            vendor_status,
            ..
        }) => {
            assert_eq!((status.as_u16(), vendor_status.as_u16()), (404, 200));
        }
        other => panic!("{other:?}"),
    }

    // A write's mapping runs over nothing.
    let write = Operation {
        item: expr(r#"{"id": $request.query.id}"#),
        ..at("/c")
    };
    let resources = resources(vec![
        ("create", write),
        ("update", at("/c")),
        ("delete", at("/c")),
    ]);
    let create = Unified::parse("m/r?id=5", &Method::POST).unwrap();
    assert_eq!(
        answer(&resources, &create, Value::Null).unwrap()["data"],
        json!({"id": "5"})
    );
    let update = Unified::parse("m/r/5", &Method::PATCH).unwrap();
    assert_eq!(
        answer(&resources, &update, Value::Null).unwrap()["data"],
        Value::Null
    );
    let delete = Unified::parse("m/r/5", &Method::DELETE).unwrap();
    assert_eq!(
        answer(&resources, &delete, json!({"gone": true})).unwrap(),
        Value::Null
    );
}
