//! One of every so many.

use std::sync::{Mutex, PoisonError};

/// Picks one of each `every` calls; which of them is drawn from a seed.
#[derive(Debug)]
pub(crate) struct OneIn {
    every: usize,
    state: Mutex<State>,
}

/// The call that is picked is the one at which `left` is `picked`.
#[derive(Debug)]
struct State {
    random: fastrand::Rng,
    left: usize,
    picked: usize,
}

impl OneIn {
    pub(crate) fn new(seed: u64, every: usize) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self {
            every: every.max(1),
            state: Mutex::new(State {
                random,
                left: 0,
                picked: 0,
            }),
        }
    }

    /// Whether it is this one.
    pub(crate) fn picks(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.left == 0 {
            state.left = self.every;
            state.picked = state.random.usize(1..=self.every);
        }
        let picks = state.left == state.picked;
        state.left -= 1;
        picks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_each_is_picked_whatever_the_seed() {
        for seed in 0..50 {
            let draw = OneIn::new(seed, 7);
            for _ in 0..20 {
                assert_eq!((0..7).filter(|_| draw.picks()).count(), 1);
            }
        }
        assert!(OneIn::new(1, 0).picks());
    }
}
