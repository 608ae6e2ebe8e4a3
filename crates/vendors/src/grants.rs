//! OAuth 2.0 grants with rotating refresh tokens and reuse detection (RFC 9700, section 4.14.2).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::{Books, Call, Entry, Reply};

/// A token pair as the vendor hands it out.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Good for a few seconds.
    pub access_token: String,
    /// Good once.
    pub refresh_token: String,
}

/// The vendor's side of all grants.
#[derive(Debug)]
pub struct Grants {
    state: Mutex<State>,
    lifetime: Duration,
    delay: Duration,
}

#[derive(Debug)]
struct State {
    random: fastrand::Rng,
    // token → (grant, when it ends)
    access: HashMap<String, (u64, Instant)>,
    // token → (grant, whether it was used)
    refresh: HashMap<String, (u64, bool)>,
    revoked: Vec<u64>,
    next: u64,
}

impl Grants {
    /// Access tokens live for `lifetime`; a token call takes `delay`.
    pub fn new(seed: u64, lifetime: Duration, delay: Duration) -> Self {
        Self {
            state: Mutex::new(State {
                random: fastrand::Rng::with_seed(seed),
                access: HashMap::new(),
                refresh: HashMap::new(),
                revoked: Vec::new(),
                next: 0,
            }),
            lifetime,
            delay,
        }
    }

    /// A person logs in.
    pub fn log_in(&self) -> Grant {
        let mut state = self.lock();
        state.next += 1;
        let grant = state.next;
        state.issue(grant, self.lifetime)
    }

    /// Whether this access token opens the door now.
    pub fn admits(&self, token: &str) -> bool {
        let state = self.lock();
        state
            .access
            .get(token)
            .is_some_and(|(grant, ends)| Instant::now() < *ends && !state.revoked.contains(grant))
    }

    /// The token endpoint: `grant_type=refresh_token`.
    pub fn token_call(&self, call: &Call, books: &Books) -> Reply {
        books.note(Entry::TokenCalls);
        let reply = self.refresh(call, books);
        Reply::After(self.delay, Box::new(reply))
    }

    /// How long an access token lives.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    fn refresh(&self, call: &Call, books: &Books) -> Reply {
        if call.form("grant_type").as_deref() != Some("refresh_token") {
            return Reply::json(400, &json!({ "error": "unsupported_grant_type" }));
        }
        let refused = Reply::json(400, &json!({ "error": "invalid_grant" }));
        let Some(token) = call.form("refresh_token") else {
            return refused;
        };
        let mut state = self.lock();
        let Some(&(grant, used)) = state.refresh.get(&token) else {
            return refused;
        };
        if used && !state.revoked.contains(&grant) {
            // Somebody else has this token, too: nobody keeps the grant.
            state.revoked.push(grant);
            books.note(Entry::Revoked);
        }
        if state.revoked.contains(&grant) {
            return refused;
        }
        state.refresh.insert(token, (grant, true));
        let issued = state.issue(grant, self.lifetime);
        Reply::json(
            200,
            &json!({
                "access_token": issued.access_token,
                "refresh_token": issued.refresh_token,
                "expires_in": self.lifetime.as_secs(),
                "token_type": "Bearer",
            }),
        )
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn issue(&mut self, grant: u64, lifetime: Duration) -> Grant {
        let issued = Grant {
            access_token: format!("at-{grant}-{:016x}", self.random.u64(..)),
            refresh_token: format!("rt-{grant}-{:016x}", self.random.u64(..)),
        };
        let ends = Instant::now() + lifetime;
        self.access
            .insert(issued.access_token.clone(), (grant, ends));
        self.refresh
            .insert(issued.refresh_token.clone(), (grant, false));
        issued
    }
}
