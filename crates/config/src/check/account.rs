//! A static account against its provider: the credentials that the type needs.

use std::collections::BTreeSet;

use super::Report;
use super::templates::auth_templates;
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
    let mut vars = BTreeSet::new();
    let bases = provider
        .bases
        .values()
        .map(|base| &**base)
        .chain([&*provider.base_url]);
    let templates = auth_templates(&provider.auth)
        .into_iter()
        .map(|(_, template)| template)
        .chain(bases);
    for template in templates {
        for path in plain_paths(template.source()) {
            match path.strip_prefix("credentials.") {
                Some(name) if !name.contains('.') && !has(name) => {
                    missing.insert(name.to_owned());
                }
                _ => {}
            }
            if let Some(name) = path.strip_prefix("account.vars.")
                && !name.contains('.')
                && !account.vars.contains_key(name)
            {
                vars.insert(name.to_owned());
            }
        }
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
