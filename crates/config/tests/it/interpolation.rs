//! What is put in from outside is data, whatever it looks like.

use std::fs;

use leeward_config::types::Auth;
use leeward_expression::{Bindings, Limits, Place, Rendered, Scope};
use serde_json::json;

use crate::support::{Dir, env, provider};

fn header(value: &str) -> String {
    let provider = provider(&format!(
        "provider: x\nbase_url: https://x.example\nheaders:\n  A: {value}\n"
    ));
    let token = json!("TOKEN");
    let scope = Scope::new().with("token", &token);
    match provider.headers["A"].render(&scope, Place::Raw).unwrap() {
        Rendered::Text(text) => text,
        Rendered::Nothing { missing } => panic!("{missing:?}"),
    }
}

#[test]
fn data_opens_no_template() {
    assert_eq!(header("'${env:BRACES} {{token}}'"), "a {{token}} \"b TOKEN");
    assert_eq!(header("'{${env:BRACES}'"), "{a {{token}} \"b");
    // Nor does it where it is nothing.
    assert_eq!(header("'{${env:EMPTY}{token}}'"), "{{token}}");
}

#[test]
fn data_inside_of_an_expression_is_a_text() {
    assert_eq!(
        header("'{{token & \"/${env:BRACES}\"}}'"),
        "TOKEN/a {{token}} \"b"
    );
    assert_eq!(
        header("'{{token & ${env:BRACES}}}'"),
        "TOKENa {{token}} \"b"
    );
    let provider = provider(
        "provider: x\nbase_url: https://x.example\nerror: {when: 'a = \"${env:BRACES}\"'}\n",
    );
    let when = provider.error.when.as_ref().unwrap();
    let found = when
        .evaluate(
            &json!({"a": "a {{token}} \"b"}),
            &Bindings::new(),
            &Limits::default(),
        )
        .unwrap();
    assert_eq!(found, Some(json!(true)));
}

#[test]
fn the_literal_text_stays() {
    assert_eq!(
        header("'$${env:A} $${file:/x} ${other} $'"),
        "${env:A} ${file:/x} ${other} $"
    );
}

#[test]
fn keys_read_what_is_put_in() {
    let provider = provider(
        "provider: x\nbase_url: https://x.example\nconcurrency: {max_in_flight: '${env:SIXTY}'}\ntimeout: {total: '${env:SIXTY}s'}\n",
    );
    assert_eq!(
        (
            provider.concurrency.max_in_flight,
            provider.timeout.total.as_secs()
        ),
        (60, 60)
    );
}

#[test]
fn a_file_is_read_without_its_last_line_break() {
    let dir = Dir::with(&[("secret", "s3cret\n")]);
    let path = dir.join("secret");
    let text = format!(
        "provider: x\nbase_url: https://x.example\nauth: {{type: bearer, token: '${{file:{}}}'}}\n",
        path.display()
    );
    dir.write("providers/x.yaml", &text);
    let loaded = dir.load();
    let Auth::Bearer(auth) = &loaded.providers[0].result.as_ref().unwrap().auth else {
        panic!("bearer")
    };
    assert_eq!(auth.token.as_ref().unwrap().is_literal(), Some("s3cret"));
    assert_eq!(loaded.watched, std::slice::from_ref(&path));
    // Another content is another version.
    fs::write(&path, "other").unwrap();
    let again = dir.load();
    assert_ne!(again.providers[0].version, loaded.providers[0].version);
    assert_ne!(again.digest, loaded.digest);
}

#[test]
fn a_file_must_be_one() {
    let dir = Dir::with(&[]);
    let (source, _) = leeward_config::parse_provider(
        &format!(
            "provider: x\nbase_url: https://x.example\nheaders: {{A: '${{file:{}}}', B: '${{file:x}}', C: '${{file:/dev/zero}}'}}\n",
            dir.path().display()
        ),
        "x",
        &env,
    );
    let faults = source.result.unwrap_err();
    let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    assert!(
        messages[0].ends_with("cannot be read: it is no regular file"),
        "{messages:?}"
    );
    assert_eq!(messages[1], "the path of `${file:x}` must be absolute");
    assert!(
        messages[2].ends_with("it is no regular file"),
        "{messages:?}"
    );
}
