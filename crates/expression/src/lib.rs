//! JSONata with bounded evaluation, and templates with escaping.
