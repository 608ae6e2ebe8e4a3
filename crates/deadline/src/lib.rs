//! A deadline in the request, and the timeouts made of it.
