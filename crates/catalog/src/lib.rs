//! Provider files that ship with Leeward, and the test that runs their fixtures.
