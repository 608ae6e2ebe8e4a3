//! A tower layer that puts a fresh credential on each request.
