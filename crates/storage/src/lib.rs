//! SQLite and PostgreSQL behind the credential store's trait, tokens sealed.
