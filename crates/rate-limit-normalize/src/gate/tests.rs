use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use tokio::time::Instant;

use super::{Closing, Gate, MOST_ENTRIES, Ticket};
use crate::Settings;

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// A clock that stands until it is moved.
#[derive(Clone, Default)]
struct Hands(Arc<AtomicU64>);

impl Hands {
    fn forward(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    fn gate(&self) -> Gate {
        let (origin, wall) = (Instant::now(), SystemTime::UNIX_EPOCH);
        let (mono_hands, wall_hands) = (self.clone(), self.clone());
        let read = |hands: &Self| Duration::from_millis(hands.0.load(Ordering::SeqCst));
        Gate::new(Settings::default()).clock(
            move || origin + read(&mono_hands),
            move || wall + read(&wall_hands),
        )
    }
}

pub(super) fn close(gate: &Gate, account: &str, scope: &str, delay: Option<Duration>) -> Duration {
    close_at(gate, account, scope, delay, gate.ticket())
}

fn close_at(
    gate: &Gate,
    account: &str,
    scope: &str,
    delay: Option<Duration>,
    ticket: Ticket,
) -> Duration {
    gate.close(Closing {
        account: &account.into(),
        scope: &scope.into(),
        path: None,
        delay,
        ticket,
    })
}

fn left(gate: &Gate, account: &str) -> Option<Duration> {
    gate.check(account, "/").map(|shut| shut.left)
}

#[tokio::test]
async fn a_closed_scope_is_shut_for_its_account_alone_until_its_time() {
    let hands = Hands::default();
    let gate = hands.gate();
    close(&gate, "acme", "daily", Some(10 * SECOND));
    close(&gate, "acme", "burst", Some(SECOND));
    assert_eq!(left(&gate, "acme"), Some(10 * SECOND));
    assert_eq!(&*gate.check("acme", "/").unwrap().scope, "daily");
    assert_eq!(left(&gate, "other"), None);
    hands.forward(Duration::from_millis(9_999));
    assert_eq!(left(&gate, "acme"), Some(Duration::from_millis(1)));
    hands.forward(Duration::from_millis(1));
    assert_eq!(left(&gate, "acme"), None);
    assert!(gate.snapshot().is_empty());
}

#[tokio::test]
async fn a_rule_about_paths_shuts_those_alone() {
    let gate = Hands::default().gate();
    let spec =
        serde_json::json!([{"when": {"status": 429, "path": "^/search"}, "scope": "search"}]);
    let specs: Vec<crate::RuleSpec> = serde_json::from_value(spec).unwrap();
    let rules = crate::Rules::compile(&specs, &crate::NoHooks).unwrap();
    let answer = crate::Answer {
        status: http::StatusCode::TOO_MANY_REQUESTS,
        headers: &http::HeaderMap::new(),
        body: None,
        method: &http::Method::GET,
        path: "/search/x",
    };
    let judgement = rules.judge(&answer, &(), SystemTime::UNIX_EPOCH);
    gate.close(Closing {
        account: &"acme".into(),
        scope: &judgement.scope.unwrap(),
        path: judgement.path.as_ref(),
        delay: Some(SECOND),
        ticket: gate.ticket(),
    });
    assert!(gate.check("acme", "/search/y").is_some());
    assert!(gate.check("acme", "/contacts").is_none());
}

#[tokio::test]
async fn one_wave_of_limits_is_one_failure() {
    let hands = Hands::default();
    let gate = hands.gate();
    let ticket = gate.ticket();
    let first = close_at(&gate, "acme", "s", None, ticket);
    for _ in 0..50 {
        close_at(&gate, "acme", "s", None, ticket);
    }
    assert!(left(&gate, "acme").unwrap_or_default() <= first);
    // The next wave, after it opened, is the second failure: at most 2 s.
    let mut longest = Duration::ZERO;
    for _ in 0..200 {
        let gate = hands.gate();
        close(&gate, "acme", "s", None);
        hands.forward(SECOND);
        longest = longest.max(close(&gate, "acme", "s", None));
    }
    assert!(longest > SECOND && longest <= 2 * SECOND, "{longest:?}");
}

#[tokio::test]
async fn a_later_time_of_the_same_wave_lengthens_and_a_sooner_one_does_not_shorten() {
    let gate = Hands::default().gate();
    let ticket = gate.ticket();
    close_at(&gate, "acme", "s", Some(5 * SECOND), ticket);
    assert_eq!(
        close_at(&gate, "acme", "s", Some(SECOND), ticket),
        5 * SECOND
    );
    assert_eq!(
        close_at(&gate, "acme", "s", Some(9 * SECOND), ticket),
        9 * SECOND
    );
}

#[tokio::test]
async fn backoff_doubles_to_its_max_and_a_success_resets_it() {
    let hands = Hands::default();
    let settings = Settings::default();
    let gate = hands.gate();
    for failures in 0..20_u32 {
        let wait = close(&gate, "acme", "s", None);
        assert!(
            wait <= settings.backoff.ceiling(failures),
            "{failures}: {wait:?}"
        );
        hands.forward(wait + Duration::from_millis(1));
    }
    assert_eq!(settings.backoff.ceiling(20), 60 * SECOND);
    // One that began before the last closing says nothing.
    let before = Ticket(0);
    gate.succeeded("acme", "/", before);
    assert!(!gate.is_empty());
    gate.succeeded("acme", "/", gate.ticket());
    assert!(gate.is_empty());
    assert!(close(&gate, "acme", "s", None) <= SECOND);
}

#[tokio::test]
async fn a_success_does_not_open_what_is_closed() {
    let gate = Hands::default().gate();
    close(&gate, "acme", "s", Some(SECOND));
    gate.succeeded("acme", "/", gate.ticket());
    assert!(left(&gate, "acme").is_some());
    assert!(gate.open("acme", "s"));
    assert!(!gate.open("acme", "s"));
    assert!(left(&gate, "acme").is_none());
}

#[tokio::test]
async fn another_process_closes_until_a_time() {
    let hands = Hands::default();
    let gate = hands.gate();
    let (account, scope) = ("acme".into(), "s".into());
    gate.close_until(&account, &scope, None, gate.wall() + 7 * SECOND);
    assert_eq!(left(&gate, "acme"), Some(7 * SECOND));
    let listed = gate.snapshot();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].until, gate.wall() + 7 * SECOND);
    hands.forward(8 * SECOND);
    gate.close_until(&account, &scope, None, SystemTime::UNIX_EPOCH);
    assert_eq!(left(&gate, "acme"), None);
}

#[tokio::test]
async fn memory_is_bounded_and_what_is_over_vanishes() {
    let hands = Hands::default();
    let gate = hands.gate();
    for account in 0..MOST_ENTRIES + 500 {
        close(&gate, &account.to_string(), "s", Some(SECOND));
    }
    assert_eq!(gate.snapshot().len(), MOST_ENTRIES);
    hands.forward(20 * SECOND);
    close(&gate, "acme", "s", Some(SECOND));
    assert_eq!(gate.shared.accounts.len(), 1);
    assert_eq!(gate.shared.entries.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_longest_wait_is_no_overflow() {
    let gate = Hands::default().gate();
    close(&gate, "acme", "s", Some(Duration::MAX));
    assert!(left(&gate, "acme").unwrap() > 300 * 86_400 * SECOND);
}

#[tokio::test]
async fn waiting_requests_are_spread_out_after_the_opening() {
    let gate = Hands::default().gate();
    close(&gate, "acme", "s", Some(SECOND));
    let shut = gate.check("acme", "/").unwrap();
    let releases: Vec<_> = (0..120).map(|_| gate.release("acme", &shut)).collect();
    assert!(releases.iter().all(|release| *release >= shut.until));
    assert!(
        releases
            .iter()
            .all(|release| *release <= shut.until + 2 * SECOND)
    );
    let soon = releases
        .iter()
        .filter(|r| **r < shut.until + SECOND / 10)
        .count();
    assert!(soon <= 20, "{soon} at once");
}

proptest! {
    /// Whatever happens, no key is closed for longer than the longest wait that was told, a clone
    /// sees the same, and the count of entries is true.
    #[test]
    fn the_books_balance(steps in proptest::collection::vec((0_u8..6, 0_u64..3, 0_u64..5_000), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _entered = runtime.enter();
        let hands = Hands::default();
        let gate = hands.gate();
        let clone = gate.clone();
        let mut tickets = vec![gate.ticket()];
        for (what, account, millis) in steps {
            let name = account.to_string();
            let ticket = tickets[usize::try_from(millis).unwrap() % tickets.len()];
            match what {
                0 => { close_at(&gate, &name, "a", Some(Duration::from_millis(millis)), ticket); }
                1 => { close_at(&clone, &name, "b", None, ticket); }
                2 => hands.forward(Duration::from_millis(millis)),
                3 => gate.succeeded(&name, "/", ticket),
                4 => { clone.open(&name, "a"); }
                _ => tickets.push(clone.ticket()),
            }
            prop_assert_eq!(gate.check(&name, "/"), clone.check(&name, "/"));
            prop_assert!(left(&gate, &name).unwrap_or_default() <= 60 * SECOND);
            let held: usize = gate.shared.accounts.iter().map(|entries| entries.len()).sum();
            prop_assert_eq!(held, gate.shared.entries.load(Ordering::SeqCst));
        }
    }
}
