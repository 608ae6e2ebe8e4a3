//! Token requests.

use http::{HeaderName, Method};
use leeward_auth_schemes::{Ask, BodyForm, ClientAuth, Inputs, Scheme, Tree};
use leeward_expression::Template;
use serde_json::{Value, json};

use crate::{endpoint, given, template};

fn text(source: &str) -> Option<Tree> {
    Some(Tree::Template(template(source)))
}

fn inputs() -> Inputs {
    Inputs::new("acme", &given(json!({"refresh_token": "r 1"})))
}

#[test]
fn refresh_as_a_form() {
    let request = endpoint().request(&inputs(), Ask::Refresh).unwrap();
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri(), "https://login.example.com/token");
    assert_eq!(
        request.headers()["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert_eq!(request.headers()["accept"], "application/json");
    assert_eq!(
        request.body(),
        "grant_type=refresh_token&refresh_token=r+1&client_id=id&client_secret=s%2Fc"
    );
}

#[test]
fn client_credentials_as_json() {
    let mut endpoint = endpoint();
    endpoint.body = BodyForm::Json;
    endpoint.params.insert("scope".into(), text("a b"));
    endpoint
        .params
        .insert("count".into(), Some(Tree::Value(json!(2))));
    endpoint.params.insert(
        "list".into(),
        Some(Tree::List(vec![
            Tree::Template(template("{{account.id}}")),
            Tree::Template(template("{{account.vars.no}}")),
        ])),
    );
    endpoint.params.insert(
        "object".into(),
        Some(Tree::Object(
            [("a".to_owned(), Tree::Value(json!(true)))]
                .into_iter()
                .collect(),
        )),
    );
    endpoint.refresh_params.insert("never".into(), text("x"));
    let request = endpoint.request(&inputs(), Ask::ClientCredentials).unwrap();
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(
        body,
        json!({"grant_type": "client_credentials", "client_id": "id", "client_secret": "s/c", "scope": "a b", "count": 2,
               "list": ["acme"], "object": {"a": true}})
    );
}

#[test]
fn fields_in_the_query() {
    let mut endpoint = endpoint();
    endpoint.token_url = template("https://login.example.com/token?v=1");
    endpoint.body = BodyForm::Query;
    endpoint.method = Method::GET;
    let request = endpoint.request(&inputs(), Ask::Refresh).unwrap();
    assert_eq!(
        request.uri(),
        "https://login.example.com/token?v=1&grant_type=refresh_token&refresh_token=r%201&client_id=id&client_secret=s%2Fc"
    );
    assert!(request.body().is_empty() && !request.headers().contains_key("content-type"));
}

#[test]
fn params_add_replace_and_take_away() {
    let mut endpoint = endpoint();
    endpoint.params.insert("grant_type".into(), text("custom"));
    endpoint.params.insert("client_secret".into(), None);
    endpoint
        .params
        .insert("scope".into(), text("{{account.vars.scope}}"));
    endpoint.params.insert("tenant".into(), text("t"));
    endpoint
        .refresh_params
        .insert("tenant".into(), text("{{client.id}}-{{refresh_token}}"));
    let request = endpoint.request(&inputs(), Ask::Refresh).unwrap();
    assert_eq!(
        request.body(),
        "grant_type=custom&refresh_token=r+1&client_id=id&tenant=id-r+1"
    );
}

#[test]
fn the_client_shows_itself_in_three_ways() {
    let mut endpoint = endpoint();
    endpoint.client_auth = ClientAuth::Basic;
    let request = endpoint.request(&inputs(), Ask::ClientCredentials).unwrap();
    // RFC 6749, section 2.3.1: form-encoded before base64: `id:s%2Fc`.
    assert_eq!(request.headers()["authorization"], "Basic aWQ6cyUyRmM=");
    assert!(request.headers()["authorization"].is_sensitive());
    assert_eq!(request.body(), "grant_type=client_credentials");
    endpoint.client_auth = ClientAuth::None;
    let request = endpoint.request(&inputs(), Ask::ClientCredentials).unwrap();
    assert_eq!(request.body(), "grant_type=client_credentials&client_id=id");
    assert!(!request.headers().contains_key("authorization"));
}

#[test]
fn headers_may_be_templates() {
    let mut endpoint = endpoint();
    endpoint.headers = vec![
        (
            HeaderName::from_static("x-account"),
            template("{{account.id}}"),
        ),
        (
            HeaderName::from_static("x-none"),
            template("{{account.vars.none}}"),
        ),
        (HeaderName::from_static("accept"), template("text/plain")),
    ];
    let request = endpoint.request(&inputs(), Ask::Refresh).unwrap();
    assert_eq!(request.headers()["x-account"], "acme");
    assert_eq!(request.headers()["accept"], "text/plain");
    assert!(!request.headers().contains_key("x-none"));
}

#[test]
fn what_is_missing_is_named() {
    let missing = |endpoint: &leeward_auth_schemes::TokenEndpoint, inputs: &Inputs| {
        endpoint.request(inputs, Ask::Refresh).unwrap_err().missing
    };
    let bare = Inputs::new("acme", &given(json!({})));
    assert_eq!(missing(&endpoint(), &bare), "credentials.refresh_token");
    let mut other = endpoint();
    other.token_url = template("https://{{account.vars.host}}/token");
    assert_eq!(missing(&other, &inputs()), "account.vars.host");
    let mut other = endpoint();
    other.client_secret = Some(template("{{credentials.client_secret}}"));
    assert_eq!(missing(&other, &inputs()), "credentials.client_secret");
    let mut other = endpoint();
    other.token_url = Template::literal("not a url");
    assert_eq!(missing(&other, &inputs()), "token_url");
    // A value that its place refuses is named, too.
    let secrets = leeward_auth_schemes::Secrets::given(
        crate::map(json!({"refresh_token": "r"})),
        crate::map(json!({"host": "evil.com/", "x": "a\nb"})),
    );
    let inputs = Inputs::new("acme", &secrets);
    let mut other = endpoint();
    other.token_url = template("https://{{account.vars.host}}/token");
    assert_eq!(missing(&other, &inputs), "account.vars.host");
    let mut other = endpoint();
    other.headers = vec![(HeaderName::from_static("x"), template("{{account.vars.x}}"))];
    assert_eq!(missing(&other, &inputs), "account.vars.x");
}

#[test]
fn only_two_types_buy() {
    for scheme in [
        Scheme::None,
        Scheme::ApiKey,
        Scheme::Basic(Default::default()),
        Scheme::Bearer(Default::default()),
    ] {
        assert!(
            scheme.token_request(&inputs()).unwrap().is_none(),
            "{}",
            scheme.name()
        );
    }
}

#[test]
fn whose_client_it_is() {
    assert!(!Scheme::OAuth2(Box::new(endpoint())).client_is_accounts());
    let mut own = endpoint();
    own.client_id = Some(template("{{credentials.client_id}}"));
    let own = Scheme::ClientCredentials(Box::new(own));
    assert!(own.client_is_accounts() && own.needs_account());
    assert!(!Scheme::ClientCredentials(Box::new(endpoint())).needs_account());
}
