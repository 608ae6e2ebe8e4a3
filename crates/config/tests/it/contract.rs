//! Every example of the contract passes, and its defaults are the ones that are read.

use std::time::Duration;

use leeward_config::types::{
    Address, Auth, BreakerBy, CacheSetting, ClientAuth, OnLimit, OnLostAnswer, PaginationType,
    PrivateHosts, RetryAfter, ServeAfter, TokenBody,
};

use crate::support::{Dir, provider, warnings};

const PROCESS: &str = include_str!("data/process.yaml");
const PROVIDER: &str = include_str!("data/provider.yaml");
const RULE: &str = include_str!("data/rule.yaml");
const UNIFIED: &str = include_str!("data/unified.yaml");

/// 32 bytes in base64.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[test]
fn the_process_passes() {
    let dir = Dir::with(&[("key", KEY)]);
    let key = dir.join("key");
    dir.write(
        "leeward.yaml",
        &PROCESS.replace("/etc/leeward/key", key.to_str().unwrap()),
    );
    let loaded = dir.load();
    assert!(loaded.faults.is_empty(), "{:?}", loaded.faults);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert_eq!(loaded.watched, [key]);
    let process = loaded.process.unwrap();
    assert_eq!(process.encryption_key.unwrap()[0].expose(), KEY);
    assert_eq!(
        process.admin_token.unwrap().expose(),
        "value-of-LEEWARD_ADMIN_TOKEN"
    );
    assert_eq!(process.drain_timeout.0, Duration::from_secs(25));
}

#[test]
fn no_process_file_means_its_example() {
    let dir = Dir::with(&[]);
    let loaded = dir.load();
    assert!(loaded.faults.is_empty());
    let process = loaded.process.unwrap();
    assert_eq!(
        process.listen.egress.0,
        [Address::Tcp("127.0.0.1:4100".parse().unwrap())]
    );
    assert_eq!(
        process.store.expose(),
        "sqlite:///var/lib/leeward/leeward.db"
    );
    assert_eq!(process.limits.max_connections, 8192);
    assert_eq!(process.limits.header_size.0, 65_536);
    // What the example shows is what is read if it is left out.
    let defaults = leeward_config::redacted(&process);
    assert_eq!(defaults["limits"]["idle_timeout"], "15m");
    assert_eq!(defaults["telemetry"]["log"], "info");
    assert_eq!(defaults["drain_quiet"], "1s");
}

#[test]
fn a_provider_passes() {
    let shown = warnings(PROVIDER);
    // What is written as it is by default says nothing of what is not there yet.
    let keys: Vec<&str> = shown
        .iter()
        .filter_map(|line| line.split('`').nth(1))
        .collect();
    assert_eq!(keys, ["intercept", "budget", "quota", "probe"], "{shown:?}");
    assert!(
        shown
            .iter()
            .all(|line| line.ends_with("not in this version"))
    );
}

#[test]
fn what_the_provider_shows_is_the_default() {
    let shown = provider(PROVIDER);
    let bare = provider("provider: hubspot\nbase_url: https://api.hubapi.com\n");
    assert_eq!(shown.breaker, bare.breaker);
    assert_eq!(shown.timeout, bare.timeout);
    assert_eq!(shown.concurrency, bare.concurrency);
    assert_eq!(shown.retry, bare.retry);
    assert_eq!(shown.slo, bare.slo);
    assert_eq!(shown.max_buffer, bare.max_buffer);
    assert_eq!(shown.private_hosts, PrivateHosts::Deny);
    assert_eq!(shown.rate_limit.look, bare.rate_limit.look);
    assert_eq!(shown.rate_limit.backoff, bare.rate_limit.backoff);
    assert_eq!(
        (shown.rate_limit.on_limit, bare.rate_limit.on_limit),
        (OnLimit::Reject, OnLimit::Reject)
    );
    assert_eq!(bare.breaker.by, BreakerBy::Host);
    assert_eq!(bare.retry.after[3], RetryAfter::Status(503));
    assert!(matches!(bare.cache, CacheSetting::LeftOut));
    assert!(matches!(bare.auth, Auth::None(_)));
    let CacheSetting::On(cache) = &shown.cache else {
        panic!("given")
    };
    let CacheSetting::On(empty) =
        &provider("provider: x\nbase_url: https://x.example\ncache: {}\n").cache
    else {
        panic!("given")
    };
    assert_eq!(
        (cache.fallback_for, &cache.serve_after, &cache.vary),
        (empty.fallback_for, &empty.serve_after, &empty.vary)
    );
    assert_eq!(cache.serve_after[0], ServeAfter::Code("circuit_open"));
    assert!(matches!(
        provider("provider: x\nbase_url: https://x.example\ncache: null\n").cache,
        CacheSetting::Off
    ));
}

#[test]
fn what_auth_shows_is_the_default() {
    let shown = provider(PROVIDER);
    let bare = provider(
        "provider: x\nbase_url: https://x.example\nauth: {type: oauth2, token_url: https://x.example/t, client_id: a, client_secret: b}\n",
    );
    let (Auth::OAuth2(shown), Auth::OAuth2(bare)) = (&shown.auth, &bare.auth) else {
        panic!("oauth2")
    };
    assert_eq!(
        shown.client_secret.as_ref().unwrap().is_literal(),
        Some("value-of-HUBSPOT_CLIENT_SECRET")
    );
    for auth in [shown, bare] {
        assert_eq!(auth.client_auth, ClientAuth::Body);
        assert_eq!(auth.body, TokenBody::Form);
        assert_eq!(auth.method.0, http::Method::POST);
        assert_eq!(auth.tokens.refresh_before.min.0, Duration::from_secs(60));
        assert_eq!(auth.tokens.refresh_before.max.0, Duration::from_secs(180));
        assert_eq!(auth.tokens.assume_expires_in.0, Duration::from_secs(3600));
        assert_eq!(auth.tokens.timeout.0, Duration::from_secs(30));
        assert_eq!(auth.tokens.on_lost_answer, OnLostAnswer::Retry);
        assert_eq!(auth.tokens.rejected.len(), 1);
        let response = &auth.tokens.token_response;
        assert_eq!(
            response.access_token.as_ref().unwrap().source(),
            "access_token"
        );
        assert_eq!(response.error.as_ref().unwrap().source(), "error");
    }
    assert!(bare.tokens.token_response.expires_at.is_none() && bare.tokens.apply.is_none());
}

#[test]
fn rate_limit_rules_pass() {
    let indented: String = RULE.lines().map(|line| format!("    {line}\n")).collect();
    let provider = provider(&format!(
        "provider: x\nbase_url: https://x.example\nrate_limit:\n  rules:\n{indented}"
    ));
    assert_eq!(provider.rate_limit.rules[0].wait.len(), 9);
    let hooks = leeward_config::ExpressionHooks::default();
    leeward_rate_limit_normalize::Rules::compile(&provider.rate_limit.rules, &hooks).unwrap();
}

#[test]
fn unified_resources_pass() {
    let provider = provider(&format!(
        "provider: x\nbase_url: https://x.example\n{UNIFIED}"
    ));
    let resource = &provider.resources["crm/contacts"];
    let names: Vec<&str> = resource.operations().map(|(name, _)| name).collect();
    assert_eq!(names, ["list", "get", "create", "update", "delete"]);
    assert_eq!(provider.pagination[0].kind, PaginationType::Cursor);
    assert!(provider.error.when.is_some() && provider.pagination[0].size.max == Some(500));
    let planned = warnings(&format!(
        "provider: x\nbase_url: https://x.example\n{UNIFIED}"
    ));
    let keys: Vec<&str> = planned
        .iter()
        .filter_map(|line| line.split('`').nth(1))
        .collect();
    assert_eq!(
        keys,
        ["key", "start", "body", "create", "then", "update", "delete"],
        "{planned:?}"
    );
    assert!(planned[0].ends_with("`key` means nothing with `type: cursor`"));
    assert_eq!(
        warnings("provider: x\nbase_url: https://x.example\npagination: {type: page}\n"),
        ["3:20: `page`: not in this version"]
    );
}

#[test]
fn every_type_of_auth_passes() {
    for auth in [
        "{type: none}",
        "{type: client_credentials, token_url: https://x.example/t, client_id: a, client_secret: b, client_auth: basic, params: {scope: a b, grant_type: null}}",
        "{type: oauth2, token_url: https://x.example/t, client_id: '{{credentials.client_id}}', client_auth: none}",
        "{type: api_key, apply: {header: X-Key, value: '{{credentials.api_key}}'}}",
        "{type: api_key, apply: [{query: {key: '{{credentials.api_key}}'}}, {body: {key: '{{credentials.api_key}}', n: 1}}]}",
        "{type: basic}",
        "{type: basic, username: '{{credentials.api_key}}', password: x}",
        "{type: bearer, rejected: [{status: 401}, {status: 200, body: {/error: token_expired}}]}",
        "{type: token_request, request: {url: https://x.example/login, json: {user: '{{credentials.user}}'}}}",
        "{type: token_request, request: [{id: find, url: https://x.example/find}, {url: https://x.example/token, text: '<login>{{credentials.user}}</login>'}]}",
        "{type: oauth1, client_id: a, client_secret: b, signature: HMAC-SHA256}",
        "{type: aws_sigv4, region: eu-west-1, service: execute-api}",
    ] {
        let text = format!("provider: x\nbase_url: https://x.example\nauth: {auth}\n");
        let provider = provider(&text);
        let planned = ["token_request", "oauth1", "aws_sigv4"].contains(&provider.auth.kind());
        let shown = warnings(&text);
        assert_eq!(
            planned,
            shown
                == [format!(
                    "3:14: `{}`: not in this version",
                    provider.auth.kind()
                )],
            "{auth}: {shown:?}"
        );
    }
}

#[test]
fn accounts_models_and_destinations_pass() {
    let dir = Dir::with(&[
        ("providers/hubspot.yaml", PROVIDER),
        (
            "accounts/acme.yaml",
            "account: acme\nprovider: hubspot\ncredentials: {refresh_token: '${env:R}', expires_in: 0}\nvars: {host: x}\n",
        ),
        (
            "models/contacts.yaml",
            "model: crm/contacts\nschema: {type: object}\n",
        ),
        (
            "destinations/app.yaml",
            "destination: app\nurl: https://app.example/hook\nsecret: '${env:S}'\nevents: ['record:*']\n",
        ),
    ]);
    let loaded = dir.load();
    assert!(loaded.faults.is_empty(), "{:?}", loaded.faults);
    let account = loaded.accounts[0].result.as_ref().unwrap();
    assert_eq!(account.credentials["refresh_token"], "value-of-R");
    assert_eq!((loaded.models.len(), loaded.destinations.len()), (1, 1));
    assert!(
        dir.shown(&loaded.warnings)
            .contains(&"destinations/app.yaml:1:1: `destination`: not in this version".to_owned())
    );
}
