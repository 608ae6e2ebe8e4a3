//! `leeward map`: one mapping on one input.

use serde_json::{Value, json};

use crate::harness::{Ended, Files, leeward_with};

const PROVIDER: &str = r#"
base_url: https://p.example
pagination: {type: cursor, items: results, next: paging.next.after, param: after, size: {param: limit, value: 2, max: 5}}
error: {when: 'status = "error"', status: 'code = "NOT_FOUND" ? 404 : 422', reason: code, message: message}
resources:
  crm/contacts:
    item: '{"id": $string(id), "name": properties.firstname, "of": $account.id}'
    body: '{"properties": {"firstname": body.name}}'
    list: {path: /contacts, query: '{"archived": query.archived, "tag": query.tags}'}
    get: {path: "/{{account.vars.space}}/contacts/{{id}}"}
    create: {path: /contacts, headers: '{"X-Of": headers.`x-of`}'}
    update: {method: PUT, path: "/contacts/{{id}}", body: 'body ~> |$|{"name": $uppercase(name)}|', body_format: form}
    delete: {path: "/contacts/{{id}}"}
    merge: {path: "/contacts/{{id}}/merge", body: '{"with": body.with + 0}', response: '{"merged": $count(ids), "status": $response.status}'}
"#;

fn map(operation: &str, phase: &str, input: &Value) -> Ended {
    map_of("crm/contacts", operation, phase, input)
}

fn map_of(model: &str, operation: &str, phase: &str, input: &Value) -> Ended {
    let files = Files::new().provider("p", PROVIDER);
    let dir = files.dir().to_str().unwrap().to_owned();
    let arguments = [
        "map",
        "--config",
        &dir,
        "--model",
        model,
        "--provider",
        "p",
        "--operation",
        operation,
        "--phase",
        phase,
        "--input",
        "-",
    ];
    leeward_with(arguments, &[], &input.to_string())
}

/// The problem that was printed.
#[track_caller]
fn problem(ended: &Ended, status: u16, code: &str) -> Value {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let problem: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        (&problem["status"], &problem["code"]),
        (&json!(status), &json!(code)),
        "{problem}"
    );
    assert_eq!(problem["provider"], "p");
    problem
}

#[test]
fn the_request_phase_prints_the_vendors_request() {
    let list = map(
        "list",
        "request",
        &json!({ "query": { "archived": false, "tags": ["a", "b c"], "cursor": "c-9", "limit": 3 } }),
    );
    assert_eq!(
        list.json(),
        json!({
            "method": "GET", "path": "/contacts",
            "query": { "archived": "false", "tag": ["a", "b c"], "after": "c-9", "limit": "3" },
            "headers": { "accept": "application/json" }, "body": null,
        })
    );
    assert_eq!(
        map("list", "request", &json!({})).json()["query"],
        json!({ "limit": "2" })
    );
    let get = map(
        "get",
        "request",
        &json!({ "id": "a/b?c", "account": { "id": "acme", "vars": { "space": "s 1" } } }),
    );
    assert_eq!(get.json()["path"], "/s%201/contacts/a%2Fb%3Fc");
    let create = map(
        "create",
        "request",
        &json!({ "body": { "name": "Ada" }, "headers": { "x-of": "7" } }),
    );
    assert_eq!(
        create.json(),
        json!({
            "method": "POST", "path": "/contacts", "query": {},
            "headers": { "accept": "application/json", "content-type": "application/json", "x-of": "7" },
            "body": { "properties": { "firstname": "Ada" } },
        })
    );
    let update = map(
        "update",
        "request",
        &json!({ "id": 17, "body": { "name": "Ada" } }),
    )
    .json();
    assert_eq!(
        (&update["method"], &update["path"], &update["body"]),
        (
            &json!("PUT"),
            &json!("/contacts/17"),
            &json!({ "name": "ADA" })
        )
    );
    assert_eq!(
        update["headers"]["content-type"],
        "application/x-www-form-urlencoded"
    );
    let delete = map("delete", "request", &json!({ "id": "x" })).json();
    assert_eq!(
        (&delete["method"], &delete["path"]),
        (&json!("DELETE"), &json!("/contacts/x"))
    );
}

#[test]
fn the_response_phase_prints_what_the_application_gets() {
    // The vendor's body alone.
    let contact = json!({ "id": 7, "properties": { "firstname": "Ada" } });
    assert_eq!(
        map("get", "response", &contact).json(),
        json!({ "data": { "id": "7", "name": "Ada" }, "source": "live" })
    );
    // Or a whole exchange.
    let whole = json!({ "response": { "status": 200, "headers": {}, "body": contact }, "request": { "id": "7" }, "account": { "id": "acme" } });
    assert_eq!(
        map("get", "response", &whole).json()["data"],
        json!({ "id": "7", "name": "Ada", "of": "acme" })
    );
    let page =
        json!({ "results": [contact, contact, contact], "paging": { "next": { "after": "c-2" } } });
    let list = map("list", "response", &page).json();
    assert_eq!(list["data"].as_array().map(Vec::len), Some(3));
    assert!(list["next_cursor"].is_string());
    let asked = json!({ "request": { "query": { "limit": 2 } }, "response": { "body": { "results": [] } } });
    assert_eq!(
        map("list", "response", &asked).json(),
        json!({ "data": [], "next_cursor": null, "source": "live" })
    );
    assert_eq!(
        map("merge", "response", &json!({ "ids": [1, 2] })).json()["data"],
        json!({ "merged": 2, "status": 200 })
    );
    // A delete has nothing to print.
    let delete = map(
        "delete",
        "response",
        &json!({ "response": { "status": 204, "body": null } }),
    );
    assert_eq!(
        (delete.code, delete.out.as_str(), delete.err.as_str()),
        (Some(0), "", "")
    );
}

#[test]
fn a_failure_prints_the_problem() {
    let disguised = json!({ "status": "error", "code": "NOT_FOUND", "message": "nobody" });
    let seen = problem(&map("get", "response", &disguised), 404, "upstream_error");
    assert_eq!(
        (&seen["detail"], &seen["reason"], &seen["upstream_status"]),
        (&json!("nobody"), &json!("NOT_FOUND"), &json!(200))
    );
    assert_eq!(seen["upstream_body"], disguised);
    let refused = json!({ "response": { "status": 409, "body": { "code": "TAKEN", "message": "taken" } }, "account": { "id": "acme" } });
    let seen = problem(&map("create", "response", &refused), 422, "upstream_error");
    assert_eq!(
        (&seen["account"], &seen["upstream_status"]),
        (&json!("acme"), &json!(409))
    );
    // A renamed member is no empty list.
    let seen = problem(
        &map("list", "response", &json!({ "result": [] })),
        502,
        "mapping_failed",
    );
    assert!(seen["detail"].as_str().unwrap().contains("items"), "{seen}");
    let seen = problem(
        &map(
            "merge",
            "request",
            &json!({ "id": "1", "body": { "with": "x" } }),
        ),
        400,
        "mapping_failed",
    );
    assert!(seen["detail"].as_str().unwrap().contains("T2001"), "{seen}");
    let seen = problem(
        &map("get", "request", &json!({ "id": "1" })),
        422,
        "account_incomplete",
    );
    assert!(
        seen["detail"]
            .as_str()
            .unwrap()
            .contains("account.vars.space"),
        "{seen}"
    );
    problem(
        &map(
            "get",
            "request",
            &json!({ "account": { "vars": { "space": "s" } } }),
        ),
        400,
        "invalid_request",
    );
    problem(
        &map("list", "request", &json!({ "query": { "limit": 0 } })),
        400,
        "invalid_request",
    );
    problem(
        &map("nonsense", "request", &json!({})),
        405,
        "unsupported_operation",
    );
    problem(
        &map_of("crm/deals", "list", "request", &json!({})),
        404,
        "unknown_resource",
    );
}

#[test]
fn an_input_that_is_none_is_said() {
    let ended = map("list", "request", &json!([1]));
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""));
    assert!(
        ended.err.contains("{id, query, headers, body, account}"),
        "{}",
        ended.err
    );
    let ended = map(
        "get",
        "response",
        &json!({ "response": { "status": 1000 } }),
    );
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("`response.status`"), "{}", ended.err);
}
