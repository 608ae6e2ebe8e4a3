//! Token requests, their answers and where a credential goes, as data.
