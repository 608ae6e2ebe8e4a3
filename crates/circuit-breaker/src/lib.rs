//! A circuit breaker with two faces: refuse early, admit at the wire.
