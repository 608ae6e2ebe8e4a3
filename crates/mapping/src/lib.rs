//! A tower layer between a unified request and a vendor's shape.
