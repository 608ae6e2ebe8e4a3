//! Secrets are planted wherever a secret may stand, everything goes well and everything goes wrong
//! at log level `trace`, and then every output is searched for them.

use std::path::Path;

use http::Method;
use leeward_vendors::{Call, Reply};
use serde_json::{Value, json};

use crate::harness::{Answer, Ca, Files, Leeward, json, refused, started, tls_vendor, vendor};

/// In every secret, and nowhere else.
const MARK: &str = "hush";
/// 32 bytes; the mark is in it.
const KEY: &str = "hushhushhushhushhushhushhushhushhushhushhus=";
/// `user:hush-password`, and what of a PEM text tells it apart.
const BASIC: &str = "dXNlcjpodXNoLXBhc3N3b3Jk";
/// In the account's ids, in the paths and in the queries of the requests.
const WHISPER: &str = "whisper";

/// What was put out, and where.
#[derive(Default)]
struct Outputs(Vec<(String, Vec<u8>)>);

impl Outputs {
    fn add(&mut self, place: impl Into<String>, output: impl Into<Vec<u8>>) {
        self.0.push((place.into(), output.into()));
    }

    fn answer(&mut self, place: impl Into<String>, answer: &Answer) {
        let place = place.into();
        self.add(format!("{place}, head"), format!("{:?}", answer.headers));
        self.add(place, answer.body.to_vec());
    }

    #[track_caller]
    fn hold_no(&self, secrets: &[&str]) {
        let mut found = Vec::new();
        for (place, output) in &self.0 {
            for secret in secrets {
                let at = output
                    .windows(secret.len())
                    .position(|window| window == secret.as_bytes());
                if let Some(at) = at {
                    let near = &output[at.saturating_sub(200)..(at + 200).min(output.len())];
                    found.push(format!(
                        "{secret} in {place}: …{}…",
                        String::from_utf8_lossy(near)
                    ));
                }
            }
        }
        assert!(found.is_empty(), "{}", found.join("\n\n"));
    }
}

/// A vendor with a token endpoint that repeats whatever it is sent when it refuses.
fn talkative(call: &Call) -> Reply {
    let said = String::from_utf8_lossy(&call.body).into_owned();
    match (call.head.uri.path(), call.form("refresh_token").as_deref()) {
        ("/token", Some("hush-refresh-gone")) => json(
            400,
            json!({"error": "invalid_grant", "error_description": format!("the refresh token hush-refresh-gone is gone; you sent {said}")}),
        ),
        ("/token", Some("hush-refresh-stranger")) => json(
            401,
            json!({"error": "invalid_client", "error_description": said}),
        ),
        ("/token", Some("hush-refresh-later")) => json(500, json!({"message": said})),
        ("/token", Some("hush-refresh-odd")) => {
            json(200, json!({"access": "hush-access-odd", "echo": said}))
        }
        ("/token", _) => json(
            200,
            json!({"access_token": "hush-access-2", "refresh_token": "hush-refresh-2", "expires_in": 3600}),
        ),
        (path, _) => {
            let status = path
                .rsplit('/')
                .next()
                .and_then(|last| last.parse().ok())
                .unwrap_or(200);
            json(status, json!({"well": status < 400}))
                .header("retry-after", http::HeaderValue::from(1))
        }
    }
}

fn files(url: &str, tls: &str, dir_of_secrets: &Path) -> Files {
    let secret = |name: &str, value: &str| {
        std::fs::write(dir_of_secrets.join(name), value).unwrap();
        format!("${{file:{}}}", dir_of_secrets.join(name).display())
    };
    let ca = Ca::new();
    let (certificate, key) = ca.issue("leeward", |_| {});
    let (certificate, key) = (secret("cert.pem", &certificate), secret("key.pem", &key));
    let client_secret = secret("client_secret", "hush-client-secret");
    let oauth = |token_url: &str| {
        format!(
            "base_url: {url}/v1\nauth: {{type: oauth2, token_url: '{token_url}', client_id: app, client_secret: '{client_secret}', timeout: 2s, \
             headers: {{X-Partner: '${{env:HUSH_PARTNER}}'}}, params: {{partner_key: '${{env:HUSH_AUDIENCE}}'}}}}\n\
             headers: {{X-Static: '${{env:HUSH_STATIC}}'}}\nquery: {{static: '${{env:HUSH_STATIC}}'}}"
        )
    };
    let apply = |apply: &str| {
        format!(
            "auth: {{type: api_key, apply: {{{apply}: {{key: '{{{{credentials.api_key}}}}'}}}}}}"
        )
    };
    Files::new()
        .process(&format!("encryption_key: {KEY}\negress_token: ${{env:HUSH_EGRESS}}\ntelemetry: {{log: trace}}"))
        // More than a level is not listened to: others would narrate what they are given.
        .env("LEEWARD_LOG", "trace,hyper=trace,sqlx=trace,h2=trace,rustls=trace")
        .env("HUSH_EGRESS", "hush-egress-token")
        .env("HUSH_STATIC", "hush-static")
        .env("HUSH_PARTNER", "hush-partner")
        .env("HUSH_AUDIENCE", "hush-audience")
        .provider("oauth", &oauth(&format!("{url}/token")))
        .provider("away", &oauth(&format!("http://{}/token?key=${{env:HUSH_STATIC}}", refused())))
        .provider(
            "client",
            &format!("base_url: {url}\nauth: {{type: client_credentials, token_url: '{url}/token', client_id: app, client_secret: hush-inline, client_auth: basic}}"),
        )
        .provider("query", &format!("base_url: {url}\n{}", apply("query")))
        .provider("body", &format!("base_url: {url}\nmax_buffer: 1KiB\n{}", apply("body")))
        .provider("refused", &format!("base_url: http://{}\n{}\nretry: {{max_attempts: 1}}", refused(), apply("query")))
        .provider("nowhere", &format!("base_url: 'http://{{{{account.vars.host}}}}/'\nhosts: ['*.example.com']\n{}", apply("query")))
        .provider("basic", &format!("base_url: {url}\nauth: {{type: basic}}"))
        .provider("bearer", &format!("base_url: {url}\nauth: {{type: bearer}}"))
        .provider(
            "tls",
            &format!("base_url: {tls}\nauth: {{type: none}}\ntls: {{client_certificate: '{certificate}', client_key: '{key}'}}"),
        )
        .account("acct-whisper-file", "provider: bearer\ncredentials: {token: hush-bearer-file}")
}

/// Every account, with every kind of credential.
async fn put_accounts(leeward: &Leeward, outputs: &mut Outputs) {
    let oauth = |refresh: &str, expires_at: u64| json!({"access_token": format!("hush-access-{refresh}"), "refresh_token": format!("hush-refresh-{refresh}"), "expires_at": expires_at});
    for (id, provider, credentials) in [
        ("lives", "oauth", oauth("lives", 4_000_000_000)),
        ("over", "oauth", oauth("over", 1)),
        ("gone", "oauth", oauth("gone", 1)),
        ("stranger", "oauth", oauth("stranger", 1)),
        ("later", "oauth", oauth("later", 1)),
        ("odd", "oauth", oauth("odd", 1)),
        ("away", "away", oauth("away", 1)),
        ("query", "query", json!({"api_key": "hush-key"})),
        ("body", "body", json!({"api_key": "hush-key"})),
        ("refused", "refused", json!({"api_key": "hush-key"})),
        ("nowhere", "nowhere", json!({"api_key": "hush-key"})),
        ("bare", "query", json!({"api_kye": "hush-key"})),
        (
            "basic",
            "basic",
            json!({"username": "user", "password": "hush-password"}),
        ),
        ("bearer", "bearer", json!({"token": "hush-bearer"})),
        // These are refused.
        (
            "bad",
            "oauth",
            json!({"access_token": "hush-bad", "refresh_token": "hush-bad", "expires_at": "hush-time"}),
        ),
        (
            "bad",
            "oauth",
            json!({"access_token": {"hush-deep": "hush"}, "expires_in": "hush-time"}),
        ),
        ("bad", "basic", json!(["hush-list"])),
        ("bad", "nobody", json!({"token": "hush-nobody"})),
    ] {
        let path = format!("/accounts/acct-{WHISPER}-{id}");
        let body = json!({"provider": provider, "credentials": credentials, "vars": {"host": "nowhere.example.com"}});
        let answer = leeward.admin(Method::PUT, &path, Some(body)).await;
        assert_eq!(
            answer.status.is_success(),
            id != "bad",
            "{id}: {}",
            answer.text()
        );
        outputs.answer(format!("PUT {path}"), &answer);
    }
}

async fn call_everything(leeward: &Leeward, outputs: &mut Outputs) {
    let callers: [(&str, &[&'static str]); 10] = [
        (
            "oauth",
            &[
                "lives", "over", "gone", "stranger", "later", "odd", "nobody", "",
            ],
        ),
        ("away", &["away"]),
        ("client", &[""]),
        ("query", &["query", "bare"]),
        ("body", &["body"]),
        ("refused", &["refused"]),
        ("nowhere", &["nowhere"]),
        ("basic", &["basic"]),
        ("bearer", &["bearer", "file"]),
        ("tls", &[""]),
    ];
    let headers = |account: &'static str| {
        let account =
            (!account.is_empty()).then(|| ("leeward-account", format!("acct-{WHISPER}-{account}")));
        let fixed = [
            ("leeward-token", "hush-egress-token"),
            ("leeward-debug", "true"),
            ("content-type", "application/json"),
            ("cookie", "c=hush-cookie"),
        ];
        fixed
            .into_iter()
            .map(|(name, value)| (name, value.to_owned()))
            .chain(account)
            .collect::<Vec<_>>()
    };
    let large = format!(r#"{{"x":"{}"}}"#, "y".repeat(2000));
    for (provider, accounts) in callers {
        for account in accounts {
            let headers = headers(account);
            let headers: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let calls = [
                (Method::GET, "200", ""),
                (Method::POST, "401", "{}"),
                (Method::GET, "500", ""),
                (Method::POST, "200", &large),
                (Method::GET, "429", ""),
            ];
            // Who waits in vain for a token does so once.
            let waits = ["stranger", "later", "odd", "away"].contains(account);
            for (method, status, body) in calls.into_iter().take(if waits { 1 } else { 5 }) {
                let path = format!(
                    "/proxy/{provider}/{WHISPER}-path/{status}?{WHISPER}-query=hush-of-the-caller"
                );
                let answer = leeward.call(method, &path, &headers, body).await;
                outputs.answer(
                    format!("{provider} as {account:?}: {}", answer.status),
                    &answer,
                );
            }
        }
    }
    for token in ["", "hush-wrong"] {
        let answer = leeward
            .call(
                Method::GET,
                "/proxy/oauth/whisper",
                &[("leeward-token", token)],
                "",
            )
            .await;
        answer.problem(401, "unauthorized");
        outputs.answer("a wrong token", &answer);
    }
}

async fn ask_everything(leeward: &Leeward, outputs: &mut Outputs) {
    for path in [
        "/accounts",
        "/accounts?status=needs_reauth",
        "/providers",
        "/breakers",
        "/limits",
        "/config",
    ] {
        let answer = leeward.admin(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        outputs.answer(format!("GET {path}"), &answer);
    }
    for id in [
        "lives", "gone", "stranger", "later", "odd", "away", "basic", "bearer",
    ] {
        for (method, action) in [
            (Method::GET, ""),
            (Method::POST, "/refresh"),
            (Method::POST, "/disable"),
            (Method::POST, "/refresh"),
            (Method::POST, "/enable"),
        ] {
            let path = format!("/accounts/acct-{WHISPER}-{id}{action}");
            let answer = leeward.admin(method, &path, None).await;
            outputs.answer(path, &answer);
        }
    }
}

/// What is open to whoever scrapes, where no account's name may stand either.
async fn watch(leeward: &Leeward, outputs: &mut Outputs) {
    for path in ["/metrics", "/status", "/status.json", "/readyz"] {
        outputs.answer(format!("GET {path}"), &leeward.telemetry(path).await);
    }
    outputs.add("the log", leeward.log().join("\n"));
}

#[tokio::test]
async fn no_output_holds_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let vendor = vendor(talkative).await;
    // Not trusted: the handshake fails.
    let tls = tls_vendor(Ca::new().issue("localhost", |_| {}), &[]).await;
    let mut leeward = files(
        &vendor.url(),
        &format!("https://localhost:{}", tls.port()),
        dir.path(),
    )
    .start()
    .await;
    let (mut outputs, mut open) = (Outputs::default(), Outputs::default());
    put_accounts(&leeward, &mut outputs).await;
    call_everything(&leeward, &mut outputs).await;
    ask_everything(&leeward, &mut outputs).await;
    // A file that goes wrong around a secret.
    leeward.write(
        "providers/query.yaml",
        "provider: query\nbase_url: '${env:HUSH_STATIC}'\nauth: {type: basic, usrname: '${env:HUSH_STATIC}'}\ntimeout: {total: '${env:HUSH_STATIC}'}\nbreaker: {by: '${env:HUSH_STATIC}'}\n'${env:HUSH_STATIC}': 1\nhosts: ['${env:HUSH_STATIC}/']\n",
    );
    leeward.write("accounts/hasty.yaml", "account: hasty\nprovider: oauth\ncredentials: {access_token: hush-hasty, expires_at: hush-never}\n");
    outputs.answer(
        "POST /reload",
        &leeward.admin(Method::POST, "/reload", None).await,
    );
    ask_everything(&leeward, &mut outputs).await;
    watch(&leeward, &mut open).await;
    leeward.signal("TERM");
    assert_eq!(leeward.ended().await.code(), Some(0));
    open.add("the log at the end", leeward.log().join("\n"));

    for suffix in ["", "-wal", "-shm"] {
        if let Ok(bytes) = std::fs::read(leeward.path(&format!("leeward.db{suffix}"))) {
            outputs.add(format!("leeward.db{suffix}"), bytes);
        }
    }
    let pem = std::fs::read_to_string(dir.path().join("key.pem")).unwrap();
    let of_the_key = pem.lines().nth(1).unwrap();
    let secrets = [MARK, BASIC, of_the_key, "test-admin-token"];
    open.hold_no(&secrets);
    open.hold_no(&[WHISPER]);
    outputs.hold_no(&secrets);
    // It was worth searching: things went well, and went wrong in every way.
    let seen: Vec<_> = outputs
        .0
        .iter()
        .filter_map(|(_, output)| {
            let problem: Value = serde_json::from_slice(output).ok()?;
            Some(problem["code"].as_str()?.to_owned())
        })
        .collect();
    for code in [
        "needs_reauth",
        "credentials_unavailable",
        "account_incomplete",
        "unknown_account",
        "upstream_unreachable",
        "rate_limited",
        "payload_too_large",
        "unauthorized",
        "circuit_open",
        "account_disabled",
        "ambiguous_account",
    ] {
        assert!(
            seen.iter().any(|seen| seen == code),
            "{code} did not come up"
        );
    }
}

#[tokio::test]
async fn check_and_a_start_that_fails_say_no_secret() {
    let files = Files::new()
        .process("encryption_key: hush-key\negress_token: {a: hush}\nlimits: {header_timeout: '${env:HUSH}', max_connections: many}\nlisten: {egress: '${env:HUSH}'}")
        .provider("a", "base_url: '${env:HUSH}'\nauth: {type: '${env:HUSH}', client_secret: hush-inline}")
        .provider("b", "base_url: https://example.com\nauth: {type: oauth2, token_url: '{{ ${env:HUSH} (}}', client_id: x, client_secret: '{{hush-in-template('}\ntls: {ca: hush-ca, client_key: hush-key, client_certificate: '${env:HUSH}'}\nretry: {max_attempts: '${env:HUSH}', after: ['${env:HUSH}']}")
        .provider("c", "base_url: https://example.com\nauth: {type: bearer, token: hush-given}\nheaders: {'${env:HUSH}': x, X-Y: \"${env:HUSH}\\n\"}\nrate_limit: {rules: [{id: r, when: {status: '${env:HUSH}'}}]}\ncache: {paths: ['${env:HUSH}(']}")
        .account("d", "provider: nobody\ncredentials: {api_key: hush-api-key, deeper: {hush: [hush]}}\nvars: plain\nhush_member: hush");
    let dir = files.dir().to_owned();
    let mut outputs = Outputs::default();
    for command in ["check", "run"] {
        let ended = tokio::process::Command::new(crate::harness::binary())
            .args([command, "--config", dir.to_str().unwrap()])
            .env("HUSH", "hush-hush")
            .output()
            .await
            .unwrap();
        assert_eq!(ended.status.code(), Some(1));
        outputs.add(format!("{command}, stdout"), ended.stdout);
        outputs.add(format!("{command}, stderr"), ended.stderr);
    }
    // Names of keys are no secrets.
    for (_, output) in &mut outputs.0 {
        let text = String::from_utf8(std::mem::take(output)).unwrap();
        *output = text.replace("hush_member", "member").into_bytes();
    }
    outputs.hold_no(&[MARK]);
    // A store that is away, with a password in its address.
    let set = "store=postgres://user:hush-password@127.0.0.1:9/db";
    let other =
        Files::new().process("encryption_key: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    let ended = started(&[
        "run",
        "--config",
        other.dir().to_str().unwrap(),
        "--set",
        set,
    ])
    .await;
    assert_eq!(ended.code, Some(1));
    assert!(!ended.err.contains(MARK), "{}", ended.err);
}

#[test]
fn debug_prints_hold_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let files = files("http://127.0.0.1:9", "https://localhost:9", dir.path());
    let env = |name: &str| name.starts_with("HUSH").then(|| "hush-hush".to_owned());
    let loaded = leeward_config::load(files.dir(), &[], &env);
    assert!(loaded.faults.is_empty(), "{:?}", loaded.faults);
    for printed in [format!("{loaded:?}"), format!("{loaded:#?}")] {
        let at = printed.find(MARK);
        assert!(
            at.is_none(),
            "{}",
            &printed[at.unwrap().saturating_sub(200)..at.unwrap() + 20]
        );
        let pem = std::fs::read_to_string(dir.path().join("key.pem")).unwrap();
        assert!(!printed.contains(pem.lines().nth(1).unwrap()));
    }
}
