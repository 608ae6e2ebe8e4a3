//! Every template of a provider, with its place; and whether it reads only what there is.

use leeward_expression::Template;

use super::{Report, operation};
use crate::types::{Apply, Auth, Provider, Request, TemplateValue, Text};

/// The names that a provider's templates may read.
const NAMES: [&str; 8] = [
    "account",
    "credentials",
    "client",
    "token",
    "refresh_token",
    "steps",
    "request",
    "now",
];
/// Names that nothing is bound to: a template would silently be without a value.
pub(super) fn check(provider: &Provider, report: &mut Report<'_>) {
    let mut found: Found<'_> = vec![("/base_url".into(), &provider.base_url)];
    found.extend(
        provider
            .bases
            .iter()
            .map(|(name, base)| (format!("/bases/{name}"), &**base)),
    );
    for (key, map) in [("headers", &provider.headers), ("query", &provider.query)] {
        found.extend(
            map.iter()
                .map(|(name, text)| (format!("/{key}/{}", segment(name)), &**text)),
        );
    }
    let tls = &provider.tls;
    for (key, text) in [
        ("ca", &tls.ca),
        ("client_certificate", &tls.client_certificate),
        ("client_key", &tls.client_key),
    ] {
        found.extend(text.as_ref().map(|text| (format!("/tls/{key}"), &**text)));
    }
    found.extend(auth_templates(&provider.auth));
    for (pointer, template) in found {
        operation::names(template, &NAMES, &pointer, report);
    }
}

/// Every template of `auth`, with its place.
pub(super) fn auth_templates(auth: &Auth) -> Found<'_> {
    let mut found = auth_urls(auth);
    match auth {
        Auth::OAuth2(auth) | Auth::ClientCredentials(auth) => {
            found.push(("/auth/client_id".into(), &auth.client_id));
            push(
                &mut found,
                "/auth/client_secret",
                auth.client_secret.as_ref(),
            );
            push_map(&mut found, "/auth/headers", &auth.headers);
            push_values(&mut found, "/auth/params", auth.params.values());
            push_values(
                &mut found,
                "/auth/refresh_params",
                auth.refresh_params.values(),
            );
        }
        Auth::TokenRequest(auth) => {
            let refresh: &[Request] = auth.refresh_request.as_deref().unwrap_or_default();
            for (key, requests) in [("request", &*auth.request), ("refresh_request", refresh)] {
                for (index, request) in requests.iter().enumerate() {
                    let pointer = format!("/auth/{key}/{index}");
                    push_map(&mut found, &format!("{pointer}/headers"), &request.headers);
                    push_values(
                        &mut found,
                        &format!("{pointer}/query"),
                        request.query.values(),
                    );
                    push_values(&mut found, &format!("{pointer}/json"), request.json.iter());
                    push_values(
                        &mut found,
                        &format!("{pointer}/form"),
                        request.form.iter().flat_map(|form| form.values()),
                    );
                    push(
                        &mut found,
                        &format!("{pointer}/text"),
                        request.text.as_ref(),
                    );
                }
            }
        }
        Auth::Basic(auth) => {
            push(&mut found, "/auth/username", auth.username.as_ref());
            push(&mut found, "/auth/password", auth.password.as_ref());
        }
        Auth::Bearer(auth) => push(&mut found, "/auth/token", auth.token.as_ref()),
        Auth::OAuth1(auth) => {
            found.push(("/auth/client_id".into(), &auth.client_id));
            found.push(("/auth/client_secret".into(), &auth.client_secret));
            push(&mut found, "/auth/token", auth.token.as_ref());
            push(&mut found, "/auth/token_secret", auth.token_secret.as_ref());
            push(&mut found, "/auth/realm", auth.realm.as_ref());
        }
        Auth::AwsSigV4(auth) => {
            push(&mut found, "/auth/access_key", auth.access_key.as_ref());
            push(&mut found, "/auth/secret_key", auth.secret_key.as_ref());
            push(
                &mut found,
                "/auth/session_token",
                auth.session_token.as_ref(),
            );
            push(&mut found, "/auth/region", auth.region.as_ref());
            push(&mut found, "/auth/service", auth.service.as_ref());
        }
        Auth::ApiKey(_) | Auth::None(_) => {}
    }
    for (index, apply) in auth.apply().unwrap_or_default().iter().enumerate() {
        let pointer = format!("/auth/apply/{index}");
        match apply {
            Apply::Header { value, .. } => found.push((format!("{pointer}/value"), value)),
            Apply::Query { query } => push_map(&mut found, &format!("{pointer}/query"), query),
            Apply::Body { body } => {
                push_values(&mut found, &format!("{pointer}/body"), body.values())
            }
        }
    }
    found
}

type Found<'a> = Vec<(String, &'a Template)>;

fn push<'a>(found: &mut Found<'a>, pointer: &str, text: Option<&'a Text>) {
    found.extend(text.map(|text| (pointer.to_owned(), &**text)));
}

fn push_map<'a>(found: &mut Found<'a>, pointer: &str, map: &'a indexmap::IndexMap<String, Text>) {
    found.extend(
        map.iter()
            .map(|(name, text)| (format!("{pointer}/{}", segment(name)), &**text)),
    );
}

fn push_values<'a>(
    found: &mut Found<'a>,
    pointer: &str,
    values: impl Iterator<Item = &'a TemplateValue>,
) {
    for value in values {
        value.texts(&mut |text| found.push((pointer.to_owned(), text)));
    }
}

/// The URLs of `auth`.
pub(super) fn auth_urls(auth: &Auth) -> Found<'_> {
    match auth {
        Auth::OAuth2(auth) | Auth::ClientCredentials(auth) => {
            vec![("/auth/token_url".to_owned(), &auth.token_url)]
        }
        Auth::TokenRequest(auth) => {
            let steps = |key: &str, requests: &'_ [Request]| -> Vec<String> {
                (0..requests.len())
                    .map(|index| format!("/auth/{key}/{index}/url"))
                    .collect()
            };
            let refresh: &[Request] = auth.refresh_request.as_deref().unwrap_or_default();
            let pointers = steps("request", &auth.request)
                .into_iter()
                .chain(steps("refresh_request", refresh));
            pointers
                .zip(
                    auth.request
                        .iter()
                        .chain(refresh)
                        .map(|request| &*request.url),
                )
                .collect()
        }
        _ => Vec::new(),
    }
}

/// A segment of a JSON pointer.
pub(super) fn segment(text: &str) -> String {
    text.replace('~', "~0").replace('/', "~1")
}
