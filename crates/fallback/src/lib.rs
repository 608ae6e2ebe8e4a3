//! The last good answer, served when the call inside fails.
