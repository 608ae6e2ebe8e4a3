use http::Method;
use leeward_mapping::{ParseError, Unified};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{at, get, resources};

fn parse(rest: &str, method: &str) -> Result<Unified, ParseError> {
    Unified::parse(rest, &method.parse::<Method>().unwrap())
}

#[test]
fn the_operations() {
    for (method, rest, operation, id) in [
        ("GET", "crm/contacts", "list", None),
        ("HEAD", "crm/contacts?x=1", "list", None),
        ("GET", "crm/contacts/17", "get", Some("17")),
        ("POST", "crm/contacts", "create", None),
        ("PATCH", "crm/contacts/17", "update", Some("17")),
        ("DELETE", "crm/contacts/17", "delete", Some("17")),
        ("POST", "crm/contacts/merge", "merge", None),
        ("POST", "crm/contacts/17/merge", "merge", Some("17")),
        ("GET", "crm/contacts/a%2Fb%20c", "get", Some("a/b c")),
    ] {
        let call = parse(rest, method).unwrap();
        assert_eq!(
            (call.resource(), call.operation(), call.id()),
            ("crm/contacts", operation, id),
            "{method} {rest}"
        );
        assert_eq!(call.is_read(), ["list", "get"].contains(&operation));
    }
}

#[test]
fn a_method_that_means_nothing_there_is_no_operation_of_any_resource() {
    let all = ["list", "get", "create", "update", "delete", "PUT", "PATCH"];
    let resources = resources(all.iter().map(|name| (*name, at("/x"))).collect());
    for (method, rest) in [
        ("PUT", "m/r/17"),
        ("PATCH", "m/r"),
        ("DELETE", "m/r"),
        ("GET", "m/r/17/more"),
        ("POST", "m/r/17/get"),
        ("POST", "m/r/list"),
    ] {
        let call = parse(rest, method).unwrap();
        assert!(resources.operation(&call).is_none(), "{method} {rest}");
    }
}

#[test]
fn paths_that_are_none() {
    for (rest, error) in [
        ("", ParseError::Empty),
        ("crm", ParseError::Shape),
        ("crm/contacts/", ParseError::Empty),
        ("crm//17", ParseError::Empty),
        ("crm/contacts/1/2/3", ParseError::Shape),
        ("crm/contacts/..", ParseError::Dots),
        ("crm/contacts/%2e%2E", ParseError::Dots),
        ("crm/contacts/..;x", ParseError::Dots),
        ("crm/contacts/%zz", ParseError::Encoding("path")),
        ("crm/contacts/%", ParseError::Encoding("path")),
        ("crm/contacts/%ff", ParseError::Encoding("path")),
        ("crm/contacts?a=%f", ParseError::Encoding("query")),
        ("crm/contacts?%C3=1", ParseError::Encoding("query")),
    ] {
        assert_eq!(parse(rest, "GET"), Err(error), "{rest}");
    }
}

#[test]
fn the_query_is_decoded_and_a_repeated_name_holds_a_list() {
    let call = get("m/r?a=1&b=x+y&a=%26&c&&a=3&d=");
    let query = json!({"a": ["1", "&", "3"], "b": "x y", "c": "", "d": ""});
    assert_eq!(json!(call.query()), query);
}

#[test]
fn the_target_is_one_whatever_the_spelling() {
    let one = get("m/r/a%2fb?z=1&a=%41&a=b+c");
    assert_eq!(one.target(), "m/r/a%2Fb?a=A&a=b%20c&z=1");
    assert_eq!(get("m/r/a%2Fb?a=A&z=1&a=b%20c").target(), one.target());
    assert_ne!(get("m/r/a%2Fb?a=b%20c&z=1&a=A").target(), one.target());
    // An id is not a name of an operation.
    let merge = Unified::parse("m/r/merge", &Method::POST).unwrap();
    assert_eq!(merge.target(), get("m/r/merge").target());
    assert_ne!(merge, get("m/r/merge"));
}

proptest! {
    #[test]
    fn any_text_parses_or_is_refused(rest in ".{0,80}") {
        let _ = Unified::parse(&rest, &Method::GET);
    }

    #[test]
    fn a_target_parses_to_the_same_call(id in "[^/;]{1,12}", name in ".{1,8}", values in proptest::collection::vec(".{0,8}", 1..3)) {
        prop_assume!(id != "." && id != "..");
        let values: Vec<_> = values.into_iter().map(serde_json::Value::from).collect();
        let value = if values.len() == 1 { values[0].clone() } else { json!(values) };
        let call = Unified::new("m/r", "get", Some(&id), [(name, value)].into_iter().collect());
        prop_assert_eq!(Unified::parse(&call.target(), &Method::GET).unwrap(), call);
    }
}
