//! Pure functions over HTTP heads: targets, hop-by-hop headers, locations.
