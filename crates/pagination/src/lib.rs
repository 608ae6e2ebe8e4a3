//! Ways to page as data, safe stops, opaque cursors.
