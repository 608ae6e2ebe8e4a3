//! What a server says may quote a secret.

use serde_json::Value;

use crate::Secrets;

/// The longest quote, in bytes.
const LONGEST: usize = 200;
/// A shorter secret would tear words apart.
const SHORTEST: usize = 6;

/// The text in one line, cut to 200 bytes, with every secret of the account taken out.
pub(crate) fn scrub(text: &str, secrets: &Secrets, client_secret: Option<&str>) -> String {
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
    hidden.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in hidden.into_iter().filter(|secret| secret.len() >= SHORTEST) {
        clean = clean.replace(secret, "…");
    }
    if clean.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| clean.is_char_boundary(*end));
        clean.truncate(end.unwrap_or(0));
        clean.push('…');
    }
    clean.trim().to_owned()
}

fn texts<'v>(value: &'v Value, out: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(members) => members.values().for_each(|member| texts(member, out)),
        _ => {}
    }
}
