//! What a server says may quote a secret.

use serde_json::Value;

use crate::Secrets;
use crate::params::{form_encode, query_encode};
use crate::scheme::TokenEndpoint;

/// The longest quote, in bytes.
const LONGEST: usize = 200;
/// A shorter secret would tear words apart.
const SHORTEST: usize = 6;
/// Fields whose values are no secrets and say much in a refusal (RFC 6749, RFC 8707).
const PUBLIC: [&str; 7] = [
    "audience",
    "client_id",
    "grant_type",
    "redirect_uri",
    "resource",
    "response_type",
    "scope",
];

/// The text in one line, cut to 200 bytes, with everything taken out that the request was made of
/// and that may be secret: what the account has, the client's secret, and what the endpoint is
/// further sent. It is found as it is and as forms and queries encode it.
pub(crate) fn scrub(
    text: &str,
    secrets: &Secrets,
    client_secret: Option<&str>,
    endpoint: &TokenEndpoint,
) -> String {
    let mut clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut hidden = Vec::new();
    secrets
        .credentials
        .values()
        .for_each(|value| texts(value, &mut hidden));
    hidden.extend(secrets.access_token());
    hidden.extend(secrets.refresh_token());
    hidden.extend(client_secret);
    hidden.extend(further(endpoint));
    hidden.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in hidden.into_iter().filter(|secret| secret.len() >= SHORTEST) {
        clean = clean.replace(secret, "…");
        for encoded in [form_encode(secret), query_encode(secret)] {
            if encoded != secret {
                clean = clean.replace(&encoded, "…");
            }
        }
    }
    if clean.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| clean.is_char_boundary(*end));
        clean.truncate(end.unwrap_or(0));
        clean.push('…');
    }
    clean.trim().to_owned()
}

/// The fixed values that the endpoint is sent beside the type's own fields.
fn further(endpoint: &TokenEndpoint) -> impl Iterator<Item = &str> {
    let params = endpoint.params.iter().chain(&endpoint.refresh_params);
    params
        .filter(|(name, _)| !PUBLIC.contains(&name.as_str()))
        .filter_map(|(_, value)| value.as_ref())
        .flat_map(|value| value.templates())
        .chain(endpoint.headers.iter().map(|(_, template)| template))
        .filter_map(|template| template.is_literal())
}

fn texts<'v>(value: &'v Value, out: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(members) => members.values().for_each(|member| texts(member, out)),
        _ => {}
    }
}
