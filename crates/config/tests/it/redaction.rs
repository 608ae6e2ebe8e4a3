//! What is shown holds no secret.

use leeward_config::redacted;
use serde_json::json;

use crate::support::{Dir, provider};

#[test]
fn what_was_put_in_is_not_shown() {
    let provider = provider(
        "provider: x\nbase_url: 'https://${env:HOST}/v1'\nheaders: {A: 'b', X-Api-Key: inline-1}\nauth:\n  type: oauth2\n  \
         token_url: https://x.example/t\n  client_id: ${env:ID}\n  client_secret: inline-2\n  params: {assertion: inline-3, scope: a}\n  \
         apply: [{header: Authorization, value: 'Bearer {{token}}'}, {header: B, value: inline-4}]\ntls: {client_key: '-----BEGIN inline-5', client_certificate: '-----BEGIN'}\n",
    );
    let shown = redacted(&*provider);
    let text = shown.to_string();
    assert!(
        !text.contains("value-of") && !text.contains("inline"),
        "{text}"
    );
    assert_eq!(shown["base_url"], "[redacted]");
    assert_eq!(shown["headers"]["A"], "b");
    assert_eq!(
        shown["auth"]["params"],
        json!({"assertion": "[redacted]", "scope": "a"})
    );
    assert_eq!(shown["auth"]["apply"][0]["value"], "Bearer {{token}}");
    assert_eq!(shown["auth"]["timeout"], "30s");
    assert_eq!(
        shown["auth"]["token_response"]["access_token"],
        "access_token"
    );
    assert_eq!(shown["timeout"]["connect"], "3s");
    assert_eq!(shown["retry"]["budget"], "20%");
    // Nor by a debug print.
    let debug = format!(
        "{provider:?} {:?} {:?} {:?}",
        provider.auth, provider.tls, provider.headers
    );
    assert!(
        !debug.contains("value-of") && !debug.contains("inline"),
        "{debug}"
    );
}

#[test]
fn the_process_hides_its_keys() {
    let dir = Dir::with(&[(
        "leeward.yaml",
        "store: postgres://user:inline-1@db.example/x\nadmin_token: inline-2\nencryption_key: [AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=]\n",
    )]);
    let process = dir
        .load_with(&[("egress_token", "inline-3")])
        .process
        .unwrap();
    let shown = redacted(&process);
    assert_eq!(shown["store"], "postgres://[redacted]@db.example/x");
    assert_eq!(
        (&shown["admin_token"], &shown["egress_token"]),
        (&json!("[redacted]"), &json!("[redacted]"))
    );
    assert_eq!(shown["encryption_key"], json!(["[redacted]"]));
    assert_eq!(shown["listen"]["admin"], "127.0.0.1:4101");
    let debug = format!("{process:?}{shown}");
    assert!(
        !debug.contains("inline") && !debug.contains("AAEC"),
        "{debug}"
    );
}

#[test]
fn an_account_shows_no_credential() {
    let dir = Dir::with(&[
        (
            "providers/x.yaml",
            "provider: x\nbase_url: https://x.example\nauth: {type: bearer}\n",
        ),
        (
            "accounts/a.yaml",
            "account: a\nprovider: x\ncredentials: {token: inline-1, n: 12345, deep: {a: [inline-2]}}\nvars: {host: h}\n",
        ),
    ]);
    let loaded = dir.load();
    let account = loaded.accounts[0].result.as_ref().unwrap();
    let shown = redacted(&**account);
    assert_eq!(shown["vars"]["host"], "h");
    let text = format!("{shown}{account:?}{loaded:?}");
    assert!(
        !text.contains("inline") && !text.contains("12345"),
        "{text}"
    );
}

#[test]
fn no_message_quotes_what_was_put_in() {
    let text = "provider: '${env:A b}'\nbase_url: '${env:U}'\nhosts: ['${env:H:1}']\ntimeout: {total: '${env:T}'}\nauth: {type: '${env:X}'}\n\
                rate_limit: {rules: [{when: {status: '${env:S}', text: '(${env:R}'}}]}\nresources: {'a/b': {list: {path: '${env:P}'}}}\n";
    let (source, _) = leeward_config::parse_provider(text, "x", &crate::support::env);
    let faults = source.result.unwrap_err();
    assert!(faults.len() >= 7, "{faults:?}");
    let shown: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
    assert!(!shown.contains("value-of"), "{shown}");
}
