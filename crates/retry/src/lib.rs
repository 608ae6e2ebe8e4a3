//! Retries of what may be repeated, within a budget and a deadline.
