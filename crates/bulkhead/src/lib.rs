//! A bulkhead with a waiting room, counted per account.
