use proptest::prelude::*;

use super::*;
use crate::RefreshBefore;

const NOON: SystemTime = SystemTime::UNIX_EPOCH;

fn at(seconds: u64) -> SystemTime {
    NOON + Duration::from_secs(seconds)
}

fn policy() -> RefreshPolicy {
    RefreshPolicy::default()
}

#[test]
fn ten_accounts_spread_over_the_window() {
    let points: Vec<SystemTime> = (0..10)
        .map(|n| {
            let account = AccountId::from(format!("account-{n}"));
            refresh_at(&account, at(0), Some(at(3600)), None, &policy()).unwrap()
        })
        .collect();
    assert!(points.iter().all(|p| (at(3420)..=at(3540)).contains(p)));
    let distinct: BTreeSet<_> = points.iter().collect();
    assert_eq!(distinct.len(), 10);
    let spread = points
        .iter()
        .max()
        .unwrap()
        .duration_since(*points.iter().min().unwrap())
        .unwrap();
    assert!(spread > Duration::from_secs(60), "{spread:?}");
}

#[test]
fn a_grant_that_dies_unused_is_kept_alive() {
    let day = 24 * 60 * 60;
    let account = AccountId::from("acme");
    let point = refresh_at(&account, at(0), None, Some(at(90 * day)), &policy()).unwrap();
    assert!(point >= at(83 * day) && point < at(87 * day), "{point:?}");
    // One that no refresh moves is not chased to its last second.
    let none = refresh_at(&account, at(0), None, Some(at(600)), &policy());
    assert_eq!(none, None);
}

#[test]
fn nothing_that_expires_is_never_renewed() {
    let none = refresh_at(&AccountId::from("a"), at(0), None, None, &policy());
    assert_eq!(none, None);
}

#[test]
fn a_refused_grant_is_tried_at_doubling_distances_up_to_a_day() {
    let minutes = |n: u64| Duration::from_secs(n * 60);
    let distances: Vec<_> = (1..10).map(|n| reauth(policy().reauth, n, 0.0)).collect();
    assert_eq!(distances[..3], [minutes(15), minutes(30), minutes(60)]);
    assert_eq!(distances[8], minutes(24 * 60));
}

#[test]
fn a_servers_own_time_is_kept_but_not_for_ever() {
    let hour = Duration::from_secs(3600);
    let waited = |after| backoff(policy().backoff, 1, Some(after), 0.5);
    assert_eq!(waited(Duration::from_secs(7)), Duration::from_secs(7));
    assert_eq!(waited(hour), LONGEST_BACKOFF - SKEW);
    assert!(waited(Duration::ZERO) > Duration::ZERO);
}

#[test]
fn a_time_that_only_a_jumped_clock_can_have_written_is_over() {
    let longest = Duration::from_secs(60);
    assert!(in_force(at(30), at(0), longest));
    assert!(!in_force(at(0), at(0), longest));
    assert!(!in_force(at(61), at(0), longest));
}

#[tokio::test(start_paused = true)]
async fn a_timetable_gives_each_account_once_at_its_latest_time() {
    let now = Instant::now();
    let second = Duration::from_secs(1);
    let mut table = Timetable::default();
    let (a, b) = (AccountId::from("a"), AccountId::from("b"));
    table.set(&a, Some(now + second));
    table.set(&b, Some(now + 2 * second));
    table.set(&a, Some(now + 3 * second));
    assert_eq!(table.soonest(), Some(now + 2 * second));
    assert_eq!(table.take_due(now + second), None);
    assert_eq!(table.take_due(now + 3 * second), Some(b));
    assert_eq!(table.take_due(now + 3 * second), Some(a.clone()));
    assert_eq!(table.take_due(now + 9 * second), None);
    table.set(&a, Some(now));
    table.set(&a, None);
    assert_eq!(table.soonest(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_point_lies_where_the_rule_says(
        name in "[a-z]{1,12}",
        life in 1_u64..10_000_000,
        min in 0_u64..600,
        wider in 0_u64..600,
    ) {
        let policy = RefreshPolicy {
            before: RefreshBefore {
                min: Duration::from_secs(min),
                max: Duration::from_secs(min + wider),
            },
            ..RefreshPolicy::default()
        };
        let point = refresh_at(&AccountId::from(name), at(50), Some(at(50 + life)), None, &policy)
            .unwrap()
            .duration_since(at(50))
            .unwrap()
            .as_secs_f64();
        let life_s = Duration::from_secs(life).as_secs_f64();
        if life < 2 * (min + wider) {
            prop_assert!((life_s * 0.499..=life_s * 0.801).contains(&point));
        } else {
            let left = life_s - point;
            let window = Duration::from_secs(min).as_secs_f64() - 0.001
                ..=Duration::from_secs(min + wider).as_secs_f64() + 0.001;
            prop_assert!(window.contains(&left), "{left} left of {life_s}");
        }
    }

    #[test]
    fn no_distance_overflows_or_is_beyond_what_counts_as_in_force(
        failures in any::<u32>(),
        random in 0.0_f64..1.0,
        after in proptest::option::of(any::<u64>().prop_map(Duration::from_secs)),
        base in any::<u64>().prop_map(Duration::from_millis),
    ) {
        let odd = Backoff { base, max: Duration::MAX };
        prop_assert!(backoff(odd, failures, after, random) <= LONGEST_BACKOFF);
        prop_assert!(reauth(odd, failures, random) <= LONGEST_REAUTH);
    }
}
