//! The vendor's dialect of \"slow down\" read into one verdict, and the gate that it closes.
