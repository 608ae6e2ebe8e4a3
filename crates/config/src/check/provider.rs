//! What of a provider's file no schema can say.

use leeward_rate_limit_normalize::{Hooks, Rules, Test};

use super::templates::{self, auth_urls, segment};
use super::words::nearest;
use super::{Report, host_is_templated, operation};
use crate::hooks::ExpressionHooks;
use crate::types::{Apply, Auth, ClientAuth, Provider, Request};

/// Checks a provider as a whole.
pub(crate) fn check(provider: &Provider, report: &mut Report<'_>) {
    urls(provider, report);
    headers(provider, report);
    auth(&provider.auth, report);
    tls(provider, report);
    rate_limit(provider, report);
    orders(provider, report);
    pagination(provider, report);
    operation::check(provider, report);
    planned(provider, report);
    templates::check(provider, report);
}

fn urls(provider: &Provider, report: &mut Report<'_>) {
    if provider.hosts.is_empty() {
        let mut templated = |pointer: &str, template: &leeward_expression::Template| {
            if host_is_templated(template) {
                let message = "a variable chooses the host: say in `hosts` where it may lead, as [\"*.example.com\"]";
                report.fault(pointer, &["/hosts"], message);
            }
        };
        templated("/base_url", &provider.base_url);
        for (name, base) in &provider.bases {
            templated(&format!("/bases/{name}"), base);
        }
        for (pointer, url) in auth_urls(&provider.auth) {
            templated(&pointer, url);
        }
        if let Some(url) = provider
            .probe
            .as_ref()
            .and_then(|probe| probe.base_url.as_ref())
        {
            templated("/probe/base_url", url);
        }
    }
    let bases = provider
        .bases
        .iter()
        .map(|(name, base)| (format!("/bases/{name}"), base));
    for (pointer, base) in
        std::iter::once(("/base_url".to_owned(), &provider.base_url)).chain(bases)
    {
        if base.is_literal().is_some_and(|url| url.contains('?')) {
            report.fault(
                &pointer,
                &[],
                "a base must not have a query: parameters for every request belong into `query`",
            );
        }
    }
}

/// Header fields that are not the file's to set: those of the connection (RFC 9110, 7.6.1), of the
/// framing, and our own.
fn headers(provider: &Provider, report: &mut Report<'_>) {
    const OURS: [&str; 12] = [
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
    ];
    let mut refuse = |pointer: String, name: &str| {
        let lower = name.to_ascii_lowercase();
        if OURS.contains(&lower.as_str()) || lower.starts_with("leeward-") {
            report.fault(&pointer, &[], format!("the header `{name}` cannot be set"));
        }
    };
    for name in provider.headers.keys() {
        refuse(format!("/headers/{}", segment(name)), name);
    }
    for (index, apply) in provider.auth.apply().unwrap_or_default().iter().enumerate() {
        if let Apply::Header { header, .. } = apply {
            refuse(format!("/auth/apply/{index}/header"), header);
        }
    }
}

fn auth(auth: &Auth, report: &mut Report<'_>) {
    match auth {
        Auth::OAuth2(auth) | Auth::ClientCredentials(auth) => {
            if auth.client_secret.is_none() && auth.client_auth != ClientAuth::None {
                let message = "missing key `client_secret`: needed unless `client_auth` is `none`";
                report.fault(
                    "/auth",
                    &["/auth/client_secret", "/auth/client_auth"],
                    message,
                );
            }
            if auth.tokens.refresh_before.min > auth.tokens.refresh_before.max {
                report.fault(
                    "/auth/refresh_before",
                    &[],
                    "`min` must not be more than `max`",
                );
            }
        }
        Auth::TokenRequest(auth) => {
            let refresh: &[Request] = auth.refresh_request.as_deref().unwrap_or_default();
            for (key, requests) in [("request", &*auth.request), ("refresh_request", refresh)] {
                for (index, request) in requests.iter().enumerate() {
                    let bodies = [
                        request.json.is_some(),
                        request.form.is_some(),
                        request.text.is_some(),
                    ];
                    if bodies.into_iter().filter(|there| *there).count() > 1 {
                        let pointer = format!("/auth/{key}/{index}");
                        report.fault(
                            &pointer,
                            &[],
                            "only one of `json`, `form` and `text` can be the body",
                        );
                    }
                }
            }
        }
        _ => {}
    }
    let hooks = ExpressionHooks::default();
    for (index, test) in auth.rejected().iter().enumerate() {
        for fault in Test::compile(test, &hooks).err().into_iter().flatten() {
            report.fault(
                &format!("/auth/rejected/{index}{}", fault.pointer),
                &[],
                fault.message,
            );
        }
    }
}

fn tls(provider: &Provider, report: &mut Report<'_>) {
    match (&provider.tls.client_certificate, &provider.tls.client_key) {
        (Some(_), None) => report.fault(
            "/tls",
            &["/tls/client_key"],
            "`client_certificate` needs its `client_key`",
        ),
        (None, Some(_)) => {
            report.fault(
                "/tls",
                &["/tls/client_certificate"],
                "`client_key` needs its `client_certificate`",
            );
        }
        _ => {}
    }
    for (key, text) in [
        ("ca", &provider.tls.ca),
        ("client_certificate", &provider.tls.client_certificate),
    ] {
        let literal = text.as_ref().and_then(|text| text.is_literal());
        if literal.is_some_and(|pem| !pem.contains("-----BEGIN")) {
            report.fault(
                &format!("/tls/{key}"),
                &[],
                "not a PEM text; a file's content is `${file:/path}`",
            );
        }
    }
}

fn rate_limit(provider: &Provider, report: &mut Report<'_>) {
    let hooks: &dyn Hooks = &ExpressionHooks::default();
    for fault in Rules::compile(&provider.rate_limit.rules, hooks)
        .err()
        .into_iter()
        .flatten()
    {
        report.fault(
            &format!("/rate_limit/rules{}", fault.pointer),
            &[],
            fault.message,
        );
    }
}

/// Pairs of which one must not be more than the other.
fn orders(provider: &Provider, report: &mut Report<'_>) {
    let mut order =
        |pointer: &str, low: (&str, std::time::Duration), high: (&str, std::time::Duration)| {
            if low.1 > high.1 {
                report.fault(
                    pointer,
                    &[],
                    format!("`{}` must not be more than `{}`", low.0, high.0),
                );
            }
        };
    let (breaker, retry, limit) = (
        &provider.breaker,
        &provider.retry.backoff,
        &provider.rate_limit.backoff,
    );
    order(
        "/breaker",
        ("open_for", *breaker.open_for),
        ("max_open_for", *breaker.max_open_for),
    );
    order("/retry/backoff", ("base", *retry.base), ("max", *retry.max));
    order(
        "/rate_limit/backoff",
        ("base", *limit.base),
        ("max", *limit.max),
    );
    // A default alone is no fault: it is then bounded by the other.
    let too_many = provider.concurrency.per_account > provider.concurrency.max_in_flight;
    if too_many && report.given("/concurrency/per_account") {
        report.fault(
            "/concurrency/per_account",
            &[],
            "`per_account` must not be more than `max_in_flight`",
        );
    }
}

fn pagination(provider: &Provider, report: &mut Report<'_>) {
    let several = provider.pagination.len() > 1;
    for (index, pages) in provider.pagination.iter().enumerate() {
        let pointer = format!("/pagination/{index}");
        if several && index + 1 < provider.pagination.len() && pages.matches.is_none() {
            report.fault(
                &pointer,
                &[],
                "of several only the last may be without `match`",
            );
        }
        operation::pages(pages, &pointer, report);
    }
}

fn planned(provider: &Provider, report: &mut Report<'_>) {
    for (index, sync) in provider.sync.iter().enumerate() {
        let pointer = format!("/sync/{index}/resource");
        match provider.resources.get(&*sync.resource) {
            None => {
                let hint = nearest(
                    &sync.resource,
                    provider.resources.keys().map(String::as_str),
                )
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                let message = format!(
                    "`{}` is none of this provider's resources{hint}",
                    sync.resource
                );
                report.fault(&pointer, &["/resources"], message);
            }
            Some(resource) if resource.list.is_none() => {
                report.fault(
                    &pointer,
                    &["/resources"],
                    format!("`{}` has no `list`", sync.resource),
                );
            }
            Some(_) => {}
        }
    }
    if let Some(probe) = &provider.probe {
        let bodies = [
            probe.json.is_some(),
            probe.form.is_some(),
            probe.text.is_some(),
        ];
        if bodies.into_iter().filter(|there| *there).count() > 1 {
            report.fault(
                "/probe",
                &[],
                "only one of `json`, `form` and `text` can be the body",
            );
        }
    }
}
