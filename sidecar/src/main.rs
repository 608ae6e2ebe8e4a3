//! `leeward`: see the library.
fn main() {}
