//! What holds in every history.

use proptest::prelude::*;

use super::*;

/// Plays such a history, and answers how many token calls were refused in it.
fn explained_refusals(seed: u64) -> u32 {
    let faults = Faults {
        store_errors: 5,
        lost_renewals: 80,
        strict: true,
        ..Faults::default()
    };
    let mut world = World::new(seed, 3, faults);
    world.run();
    let record = world.shelf.load(&acme()).unwrap();
    assert_eq!(record.status, Status::Active);
    assert_eq!(record.credential.refresh, world.vendor.latest);
    world.vendor.refusals
}

#[test]
fn the_simulation_does_meet_explained_refusals() {
    assert!((0..20).map(explained_refusals).sum::<u32>() > 20);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Store errors and vendor errors alone never cost a grant: no refresh token is used twice.
    #[test]
    fn what_was_granted_is_never_lost(seed in any::<u64>(), processes in 1_usize..6) {
        let faults = Faults { store_errors: 15, vendor_errors: 20, ..Faults::default() };
        let mut world = World::new(seed, processes, faults);
        world.run();
        let record = world.shelf.load(&acme()).unwrap();
        prop_assert_eq!(world.vendor.refusals, 0);
        prop_assert_eq!(record.credential.refresh, world.vendor.latest);
        prop_assert_eq!(record.version, u64::from(world.vendor.grants) + 1);
        prop_assert_eq!(record.status, Status::Active);
        prop_assert!(world.ended > 0 && world.vendor.grants > 0);
    }

    /// Whoever dies at whatever point, the next one goes on; at most one call at a time.
    #[test]
    fn a_holder_that_dies_is_taken_over(seed in any::<u64>(), processes in 1_usize..6) {
        let faults = Faults {
            store_errors: 10,
            vendor_errors: 10,
            lost_answers: 10,
            crashes: 3,
            ..Faults::default()
        };
        let mut world = World::new(seed, processes, faults);
        world.run();
        world.heal();
        let record = world.shelf.load(&acme()).unwrap();
        prop_assert_eq!(record.status, Status::Active);
        prop_assert_eq!(record.credential.refresh, world.vendor.latest);
    }

    /// Leases that run out under their holder, clocks that jump by hours: calls may overlap then,
    /// but nothing is published that is not durable, every flight ends, and the account lives.
    #[test]
    fn chaos_costs_no_account(seed in any::<u64>(), processes in 2_usize..6) {
        let faults = Faults {
            store_errors: 10,
            vendor_errors: 10,
            lost_answers: 10,
            crashes: 2,
            clock_jumps: 3,
            lost_renewals: 40,
            ..Faults::default()
        };
        let mut world = World::new(seed, processes, faults);
        world.run();
        world.heal();
        prop_assert_eq!(world.shelf.load(&acme()).unwrap().status, Status::Active);
    }

    /// A lease that ran out under its holder lets a second call out, which is refused, for the
    /// token was rotated: the holder's late answer mends that.
    #[test]
    fn a_refusal_that_another_flight_explains_is_mended(seed in any::<u64>()) {
        explained_refusals(seed);
    }

    /// Where a reuse revokes the grant, what may have been lost is not sent again while the token
    /// lives.
    #[test]
    fn a_lost_answer_is_deferred(seed in any::<u64>(), processes in 1_usize..4) {
        let faults = Faults {
            store_errors: 5,
            lost_answers: 30,
            crashes: 2,
            defer: true,
            ..Faults::default()
        };
        let mut world = World::new(seed, processes, faults);
        world.run();
        world.heal();
        prop_assert_eq!(world.shelf.load(&acme()).unwrap().status, Status::Active);
    }
}
