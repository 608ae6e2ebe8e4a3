//! Simulated vendors on loopback that misbehave like real ones.
