//! Configuration files: spanned tree, all faults at once, types, JSON Schema.
