//! Randomness for spreading things in time: no secret depends on it.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::AccountId;

/// SplitMix64 (Steele, Lea and Flood 2014): a full-period generator that is one add and a mix.
#[derive(Debug)]
pub(crate) struct Jitter(AtomicU64);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number in `[0, 1)` from the upper 32 bits.
fn fraction(bits: u64) -> f64 {
    let upper = u32::try_from(bits >> 32).unwrap_or_default();
    f64::from(upper) / (f64::from(u32::MAX) + 1.0)
}

impl Jitter {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The standard library's hash keys are random for each process.
    pub(crate) fn random() -> Self {
        Self::seeded(random_bits())
    }

    /// The next number in `[0, 1)`.
    pub(crate) fn next(&self) -> f64 {
        let state = self.0.fetch_add(GOLDEN, Ordering::Relaxed);
        fraction(mix(state.wrapping_add(GOLDEN)))
    }
}

/// 64 bits that differ between processes.
pub(crate) fn random_bits() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// The account's own number in `[0, 1)`: the same in every process and at every time (FNV-1a,
/// mixed, since FNV's upper bits are weak for short names).
pub(crate) fn stable(account: &AccountId) -> f64 {
    let hash = account
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    fraction(mix(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_stay_in_range_and_spread() {
        let jitter = Jitter::seeded(1);
        let drawn: Vec<f64> = (0..10_000).map(|_| jitter.next()).collect();
        assert!(drawn.iter().all(|f| (0.0..1.0).contains(f)));
        let mean = drawn.iter().sum::<f64>() / 10_000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
    }

    #[test]
    fn an_account_keeps_its_number_and_shares_it_with_nobody() {
        let numbers: Vec<f64> = (0..1_000)
            .map(|n| stable(&AccountId::from(format!("account-{n}"))))
            .collect();
        assert!((numbers[7] - stable(&AccountId::from("account-7"))).abs() < f64::EPSILON);
        let low = numbers.iter().filter(|f| **f < 0.5).count();
        assert!((400..600).contains(&low), "{low} of 1000 in the lower half");
    }
}
