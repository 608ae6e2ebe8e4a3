//! Text with expressions in it.

use leeward_expression::{Place, RenderFault, Rendered, Scope, Template};
use serde_json::{Value, json};

fn account() -> Value {
    json!({
        "id": "acme",
        "vars": {"host": "eu.example.com", "n": 7, "big": 9_007_199_254_740_993_u64, "list": ["x"], "none": null,
                 "many": [{"a": 1}, {"a": 2}], "empty": []}
    })
}

fn render(source: &str, place: Place) -> Result<String, String> {
    let account = account();
    let token = json!("t0k");
    let scope = Scope::new()
        .with("account", &account)
        .with("token", &token)
        .at(1_700_000_000_000);
    match Template::parse(source).unwrap().render(&scope, place) {
        Ok(Rendered::Text(text)) => Ok(text),
        Ok(Rendered::Nothing { missing }) => Err(missing.join(" ")),
        Err(fault) => Err(fault.to_string()),
    }
}

fn value(source: &str) -> Option<Value> {
    let account = account();
    let scope = Scope::new().with("account", &account);
    Template::parse(source).unwrap().value(&scope).unwrap()
}

#[test]
fn text_and_expressions_stand_side_by_side() {
    assert_eq!(
        render("Bearer {{token}}", Place::Header).unwrap(),
        "Bearer t0k"
    );
    assert_eq!(
        render("{{ account.id & '-' & account.vars.n }}!", Place::Raw).unwrap(),
        "acme-7!"
    );
    assert_eq!(
        render("{{now}}/{{$millis()}}", Place::Raw).unwrap(),
        "1700000000000/1700000000000"
    );
    assert_eq!(render("{{\"{{\"}}x}}", Place::Raw).unwrap(), "{{x}}");
    assert_eq!(
        render("{{ {\"a\": {\"b\": 1} }.a.b }}", Place::Raw).unwrap(),
        "1"
    );
    assert_eq!(
        render("{{[1, true, null]}}", Place::Raw).unwrap(),
        "[1,true,null]"
    );
    assert_eq!(render("", Place::Raw).unwrap(), "");
}

#[test]
fn one_expression_keeps_its_type() {
    assert_eq!(value("{{account.vars.n}}"), Some(json!(7)));
    // Looked up without the engine, whose numbers are doubles.
    assert_eq!(
        value("{{account.vars.big}}"),
        Some(json!(9_007_199_254_740_993_u64))
    );
    assert_eq!(value("{{account.vars.list}}"), Some(json!(["x"])));
    assert_eq!(value("{{account.vars.many.a}}"), Some(json!([1, 2])));
    assert_eq!(value("{{account.vars.none}}"), Some(Value::Null));
    assert_eq!(value("{{account.vars.absent}}"), None);
    assert_eq!(value("{{account.vars.n}} "), Some(json!("7 ")));
    assert_eq!(value("plain"), Some(json!("plain")));
    assert_eq!(value("x{{account.vars.absent}}"), None);
}

#[test]
fn what_lacks_a_value_is_named() {
    assert_eq!(
        render("{{credentials.api_key}}", Place::Header).unwrap_err(),
        "credentials.api_key"
    );
    assert_eq!(
        render("{{a.b}}-{{c}}-{{a.b}}", Place::Header).unwrap_err(),
        "a.b c"
    );
    assert_eq!(
        render("{{account.vars.none}}", Place::Header).unwrap_err(),
        "account.vars.none"
    );
    assert_eq!(
        render("{{account.vars.x ?? account.vars.y.z}}", Place::Header).unwrap_err(),
        "account.vars.x account.vars.y.z"
    );
}

#[test]
fn a_fault_says_where_it_is() {
    for (source, offset, code) in [
        ("abc {{", 4, "S0203"),
        ("abc {{ a", 4, "S0203"),
        ("abc {{}}", 6, "S0207"),
        ("abc {{ + }}", 6, "S0207"),
        ("abc {{ a ) }}", 9, "S0201"),
    ] {
        let fault = Template::parse(source).unwrap_err();
        assert_eq!(
            (fault.offset, fault.code.as_str()),
            (offset, code),
            "{source}: {fault}"
        );
    }
    let early = Template::parse("{{ {\"a\": {\"b\": 1}} }}").unwrap_err();
    assert!(early.message.contains("} }"), "{}", early.message);
    let account = json!({"id": "x"});
    let scope = Scope::new().with("account", &account);
    let fault = Template::parse("ab {{ account.id + 1 }}")
        .unwrap()
        .value(&scope)
        .unwrap_err();
    let RenderFault::Evaluation {
        names,
        offset,
        fault,
    } = fault
    else {
        panic!("{fault:?}");
    };
    assert_eq!(
        (names, offset, fault.code.as_str()),
        (vec!["account.id".to_owned()], 6, "T2001")
    );
}

#[test]
fn names_are_known_without_rendering() {
    let names = |source: &str| {
        let template = Template::parse(source).unwrap();
        let names: Vec<String> = template.names().iter().map(str::to_owned).collect();
        (names.join(" "), template.per_request())
    };
    assert_eq!(names("plain"), (String::new(), false));
    assert_eq!(
        names("{{token}}{{account.id}}"),
        ("account token".into(), false)
    );
    assert_eq!(
        names("{{$hmac('sha256', client.secret, request.path)}}"),
        ("client request".into(), true)
    );
    assert_eq!(names("{{now}}"), ("now".into(), true));
    assert_eq!(names("{{$string($millis())}}"), (String::new(), true));
    let mixed = Template::parse("{{account.vars.x ?? token}}-{{now}}").unwrap();
    assert_eq!(
        mixed.paths().collect::<Vec<_>>(),
        ["account.vars.x", "token", "now"]
    );
    assert!(mixed.is_computed() && !Template::parse("a{{b.c}}").unwrap().is_computed());
    let all = Template::parse("{{$string($$)}}").unwrap();
    assert!(all.names().reads_all() && all.per_request() && all.names().contains("credentials"));
    assert_eq!(Template::parse("x{y}").unwrap().is_literal(), Some("x{y}"));
    assert_eq!(Template::literal("x{{y}}").is_literal(), Some("x{{y}}"));
}

#[test]
fn secrets_do_not_show() {
    let secret = json!({"api_key": "hush"});
    let scope = Scope::new().with("credentials", &secret);
    let rendered = Template::parse("{{credentials.api_key}}")
        .unwrap()
        .render(&scope, Place::Raw)
        .unwrap();
    assert_eq!(
        format!("{scope:?} {rendered:?}"),
        "{\"credentials\"} Text(…)"
    );
    let newline = json!({"api_key": "hu\nsh"});
    let scope = Scope::new().with("credentials", &newline);
    let fault = Template::parse("{{credentials.api_key}}")
        .unwrap()
        .render(&scope, Place::Header)
        .unwrap_err();
    assert!(!format!("{fault} {fault:?}").contains("hu"));
    assert_eq!(fault.names(), ["credentials.api_key"]);
    for source in [
        "{{$number(credentials.api_key)}}",
        "{{credentials.api_key < 1}}",
        "{{$hash(credentials.api_key, 'x')}}",
        "{{$eval(credentials.api_key & ')')}}",
        "{{$toMillis(credentials.api_key)}}",
        "{{-credentials.api_key}}",
    ] {
        let fault = Template::parse(source).unwrap().value(&scope).unwrap_err();
        assert!(!format!("{fault} {fault:?}").contains("hu"), "{fault:?}");
    }
}

#[test]
fn a_scope_can_be_an_object() {
    let input = json!({"id": "7/8", "query": {"limit": 5}});
    let path = Template::parse("/crm/{{id}}/{{query.limit}}").unwrap();
    assert_eq!(
        path.render(&Scope::of(&input), Place::PathSegment).unwrap(),
        Rendered::Text("/crm/7%2F8/5".into())
    );
}
