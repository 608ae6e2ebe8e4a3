//! A static account against its provider: the credentials that the type needs.

use std::collections::BTreeSet;

use super::Report;
use super::templates::{auth_templates, auth_urls};
use crate::types::{Account, Auth, Provider};

/// Checks that what the provider needs of an account is there.
pub(crate) fn check(account: &Account, provider: &Provider, report: &mut Report<'_>) {
    let has = |name: &str| {
        account
            .credentials
            .get(name)
            .is_some_and(|value| !value.is_null())
    };
    let mut missing = BTreeSet::new();
    if let Auth::OAuth2(_) = &provider.auth
        && !has("refresh_token")
        && !has("access_token")
    {
        missing.insert("refresh_token".to_owned());
    }
    let by_habit: &[&str] = match &provider.auth {
        Auth::Basic(auth) => match (&auth.username, &auth.password) {
            (None, None) => &["username", "password"],
            (None, Some(_)) => &["username"],
            (Some(_), None) => &["password"],
            (Some(_), Some(_)) => &[],
        },
        Auth::Bearer(auth) if auth.token.is_none() => &["token"],
        Auth::OAuth1(auth) => match (&auth.token, &auth.token_secret) {
            (None, None) => &["token", "token_secret"],
            (None, Some(_)) => &["token"],
            (Some(_), None) => &["token_secret"],
            (Some(_), Some(_)) => &[],
        },
        _ => &[],
    };
    missing.extend(
        by_habit
            .iter()
            .filter(|name| !has(name))
            .map(|name| (*name).to_owned()),
    );
    let bases = || {
        let named = provider.bases.values().map(|base| &**base);
        named.chain([&*provider.base_url])
    };
    // A key is what `apply` puts; other types have a credential of their own, and what else they
    // put somewhere falls away without a value.
    let is_key = matches!(provider.auth, Auth::ApiKey(_));
    let needed = auth_templates(&provider.auth)
        .into_iter()
        .filter(|(place, _)| !falls_away(place) || (is_key && place.starts_with("/auth/apply")))
        .map(|(_, template)| template);
    for template in needed.chain(bases()) {
        missing.extend(
            members(template.source(), "credentials.")
                .filter(|name| !has(name))
                .map(str::to_owned),
        );
    }
    // A URL needs all of its variables.
    let urls = auth_urls(&provider.auth)
        .into_iter()
        .map(|(_, template)| template);
    let mut vars = BTreeSet::new();
    for template in urls.chain(bases()) {
        vars.extend(
            members(template.source(), "account.vars.")
                .filter(|name| !account.vars.contains_key(*name))
                .map(str::to_owned),
        );
    }
    if !missing.is_empty() {
        let list = missing.into_iter().collect::<Vec<_>>().join("`, `");
        let message = format!(
            "provider `{}` ({}) needs the credential `{list}`",
            account.provider,
            provider.auth.kind()
        );
        report.fault("/credentials", &[], message);
    }
    // A token answer may bring a variable later.
    vars.retain(|name| !token_brings(&provider.auth, name));
    if !vars.is_empty() {
        let list = vars.into_iter().collect::<Vec<_>>().join("`, `");
        report.fault(
            "/vars",
            &[],
            format!(
                "provider `{}` needs the variable `{list}`",
                account.provider
            ),
        );
    }
}

/// Whether a place is left out where its template has no value.
fn falls_away(pointer: &str) -> bool {
    [
        "/auth/apply",
        "/auth/headers",
        "/auth/params",
        "/auth/refresh_params",
    ]
    .iter()
    .any(|place| pointer.starts_with(place))
}

/// The names of `{{<of>NAME}}` in a template.
fn members<'a>(source: &'a str, of: &'a str) -> impl Iterator<Item = &'a str> {
    plain_paths(source)
        .into_iter()
        .filter_map(move |path| path.strip_prefix(of))
        .filter(|name| !name.contains('.'))
}

fn token_brings(auth: &Auth, name: &str) -> bool {
    match auth {
        Auth::OAuth2(auth) | Auth::ClientCredentials(auth) => {
            auth.tokens.token_response.vars.contains_key(name)
        }
        Auth::TokenRequest(auth) => auth.tokens.token_response.vars.contains_key(name),
        _ => false,
    }
}

/// What stands alone between braces and is a path of names: `{{credentials.api_key}}`. What an
/// expression does with a name (`a ?? b`) cannot be told from here.
fn plain_paths(source: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some((_, behind)) = rest.split_once("{{") {
        let Some((inside, after)) = behind.split_once("}}") else {
            break;
        };
        let path = inside.trim().trim_start_matches('+').trim();
        let plain = path
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
        if plain && !path.is_empty() {
            found.push(path);
        }
        rest = after;
    }
    found
}
