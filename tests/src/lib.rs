//! Tests that cross crates stand beside this folder: `architecture.rs` holds ARCHITECTURE.md's
//! picture against the code, `dependencies.rs` the licences and sources of what is used, and `e2e/`
//! drives the real binary over real sockets (it is built as a test of the package `leeward`).
