//! An HTTP client with its names, TLS identities, pools and host policy.
