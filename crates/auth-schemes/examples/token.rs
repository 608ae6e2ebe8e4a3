//! Shows, without any network, the token request of a provider, what answers mean, and what goes on a request.

use std::time::SystemTime;

use http::{HeaderMap, StatusCode};
use leeward_auth_schemes::{Answer, Inputs, ProviderAuth, Scheme, TokenEndpoint};
use leeward_expression::Template;
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut endpoint = TokenEndpoint::new(Template::parse("https://login.example.com/token")?);
    endpoint.client_id = Some(Template::parse("{{credentials.client_id}}")?);
    let auth = ProviderAuth::new(
        Scheme::OAuth2(Box::new(endpoint.clone())),
        Vec::new(),
        policy(),
    )?;

    let now = SystemTime::now();
    let credentials = json!({"client_id": "demo", "refresh_token": "refresh-1", "access_token": "access-1", "expires_in": 60});
    let account = auth.scheme().adopt(
        credentials.as_object().cloned().unwrap_or_default(),
        serde_json::Map::new(),
        now,
    )?;
    println!("account    {:?}", account.secrets);

    if let Some(request) = auth
        .scheme()
        .token_request(&Inputs::new("acme", &account.secrets))?
    {
        println!(
            "request    {} {}\n           {}",
            request.method(),
            request.uri(),
            String::from_utf8_lossy(request.body())
        );
    }

    for (status, body) in [
        (200, r#"{"access_token": "access-2", "expires_in": "3600"}"#),
        (
            400,
            r#"{"error": "invalid_grant", "error_description": "refresh-1 was revoked"}"#,
        ),
        (401, r#"{"error": "invalid_client"}"#),
        (401, "<html>no</html>"),
        (503, ""),
    ] {
        let answer = Answer {
            status: StatusCode::from_u16(status)?,
            headers: &HeaderMap::new(),
            body: body.as_bytes(),
            sent_at: now,
            now,
        };
        match endpoint.read_answer(&answer, &account.secrets, None) {
            Ok(granted) => println!("{status}        granted: {granted:?}"),
            Err(refusal) => println!("{status}        {refusal}"),
        }
    }

    let prepared = auth.prepare("acme", &account.secrets, None, 0)?;
    let (mut head, ()) = http::Request::get("/v1/things").body(())?.into_parts();
    prepared.apply_head(&mut head);
    println!("goes out   {} {:?}", head.uri, head.headers);
    Ok(())
}

/// The defaults: renewed 60 to 180 seconds before the end.
fn policy() -> leeward_auth_refresh::RefreshPolicy {
    leeward_auth_refresh::RefreshPolicy::default()
}
