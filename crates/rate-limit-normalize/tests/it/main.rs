//! The recorded answers, the rule language, and both layers over real sockets.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod cases;
mod hostile;
mod language;
mod specs;
mod wire;
