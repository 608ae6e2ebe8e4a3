//! The schemes as a token protocol of `leeward-auth-refresh`.

use std::sync::Arc;
use std::time::SystemTime;

use leeward_auth_refresh::{
    AccountId, BoxFuture, Failure, Granted, Record, RefreshPolicy, Sending, TokenProtocol,
};
use leeward_expression::Place;

use crate::lifetime::after;
use crate::request::text;
use crate::{
    Answer, Bearer, Inputs, ProviderAuth, Refusal, Scheme, Secrets, TokenAnswer, TokenCall,
    TokenEndpoint, TokenSet, Transport, TransportError,
};

/// Finds how an account of a provider is authenticated. Asked for each token and often between: a look-up in a map.
pub trait Providers: Send + Sync + 'static {
    /// The provider's authentication, with the account's overrides if it has any.
    fn auth(&self, provider: &str, account: &AccountId) -> Option<Arc<ProviderAuth>>;
}

impl<F> Providers for F
where
    F: Fn(&str, &AccountId) -> Option<Arc<ProviderAuth>> + Send + Sync + 'static,
{
    fn auth(&self, provider: &str, account: &AccountId) -> Option<Arc<ProviderAuth>> {
        self(provider, account)
    }
}

/// Buys and makes the credentials of all providers.
pub struct SchemeProtocol<P, T> {
    providers: P,
    transport: T,
    clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
}

impl<P: Providers, T: Transport> SchemeProtocol<P, T> {
    /// A protocol that finds providers there and sends through that.
    pub fn new(providers: P, transport: T) -> Self {
        Self {
            providers,
            transport,
            clock: Box::new(SystemTime::now),
        }
    }

    /// Another wall clock than the machine's.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    async fn buy<'a>(
        &'a self,
        endpoint: &TokenEndpoint,
        scheme: &Scheme,
        record: &'a Record<Secrets>,
        sent_at: SystemTime,
        sending: &'a Sending<'a>,
    ) -> Result<Granted<Secrets>, Failure> {
        let inputs = Inputs::new(record.account.as_str(), &record.credential).at(millis(sent_at));
        let incomplete = |incomplete: crate::Incomplete| Failure::Incomplete {
            missing: incomplete.missing,
        };
        let request = scheme.token_request(&inputs).map_err(incomplete)?;
        let Some(request) = request else {
            return Err(nothing_to_buy(scheme));
        };
        let with_client = endpoint.with_client(&inputs).map_err(incomplete)?;
        let client_secret = with_client.scope().get("client").and_then(|client| {
            let secret = client.get("secret")?.as_str()?;
            Some(secret.to_owned())
        });
        sending().await?;
        let call = TokenCall {
            provider: &record.provider,
            account: &record.account,
        };
        let response = self.transport.send(call, request).await.map_err(failure)?;
        let (head, body) = response.into_parts();
        let answer = Answer {
            status: head.status,
            headers: &head.headers,
            body: &body,
            sent_at,
            now: (self.clock)(),
        };
        endpoint
            .read_answer(&answer, &record.credential, client_secret.as_deref())
            .map(|answer| granted(record, answer))
            .map_err(|refusal| match refusal {
                Refusal::Grant { reason } => Failure::Refused { reason },
                Refusal::Client { reason } => Failure::ClientRefused { reason },
                Refusal::Transient {
                    reason,
                    retry_after,
                } => Failure::Transient {
                    reason,
                    retry_after,
                },
            })
    }
}

impl<P: Providers, T: Transport> TokenProtocol<Secrets> for SchemeProtocol<P, T> {
    fn obtain<'a>(
        &'a self,
        record: &'a Record<Secrets>,
        now: SystemTime,
        sending: &'a Sending<'a>,
    ) -> BoxFuture<'a, Result<Granted<Secrets>, Failure>> {
        Box::pin(async move {
            let auth = self
                .providers
                .auth(&record.provider, &record.account)
                .ok_or_else(|| Failure::not_sent(format!("no provider {}", record.provider)))?;
            match auth.scheme() {
                scheme @ (Scheme::OAuth2(endpoint) | Scheme::ClientCredentials(endpoint)) => {
                    self.buy(endpoint, scheme, record, now, sending).await
                }
                Scheme::Bearer(bearer) if bearer.is_kept() => make(bearer, record, now),
                scheme => Err(nothing_to_buy(scheme)),
            }
        })
    }

    fn policy(&self, provider: &str, account: &AccountId) -> RefreshPolicy {
        self.providers
            .auth(provider, account)
            .map(|auth| auth.policy().clone())
            .unwrap_or_default()
    }
}

/// The record's credential with what the answer granted; what it left out is carried over.
fn granted(record: &Record<Secrets>, answer: TokenAnswer) -> Granted<Secrets> {
    let mut credential = record.credential.clone();
    let old = credential.refresh_token().map(str::to_owned);
    // A refresh token that stays keeps the end that it has.
    let rotated = answer.refresh_token.is_some() && answer.refresh_token != old;
    let carried = record.refresh_expires_at.filter(|_| !rotated);
    credential.token = Some(TokenSet {
        access_token: answer.access_token,
        refresh_token: answer.refresh_token.or(old),
    });
    credential.set_token_vars(answer.vars);
    Granted {
        credential,
        expires_at: answer.expires_at,
        refresh_expires_at: answer.refresh_expires_at.or(carried),
    }
}

/// A token that is computed rather than bought.
fn make(
    bearer: &Bearer,
    record: &Record<Secrets>,
    now: SystemTime,
) -> Result<Granted<Secrets>, Failure> {
    let inputs = Inputs::new(record.account.as_str(), &record.credential).at(millis(now));
    let token =
        text(&bearer.token, &inputs.scope(), Place::Header, "token").map_err(|incomplete| {
            Failure::Incomplete {
                missing: incomplete.missing,
            }
        })?;
    let mut credential = record.credential.clone();
    credential.token = Some(TokenSet {
        access_token: token,
        refresh_token: None,
    });
    Ok(Granted {
        credential,
        expires_at: Some(after(now, bearer.assume_expires_in)),
        refresh_expires_at: None,
    })
}

fn nothing_to_buy(scheme: &Scheme) -> Failure {
    Failure::not_sent(format!(
        "a credential of type {} is not renewed",
        scheme.name()
    ))
}

fn failure(error: TransportError) -> Failure {
    match error {
        TransportError::NotSent { reason, source } => Failure::NotSent { reason, source },
        TransportError::Unanswered { reason, source } => Failure::Unanswered { reason, source },
    }
}

fn millis(time: SystemTime) -> i64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl<P, T> std::fmt::Debug for SchemeProtocol<P, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SchemeProtocol").finish_non_exhaustive()
    }
}
