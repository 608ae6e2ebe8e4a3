//! Where the database is.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::error::OpenError;

#[derive(Debug)]
pub(crate) enum Address {
    File(PathBuf),
    Memory,
    Server(Box<PgConnectOptions>),
}

impl Address {
    /// The text is never repeated in an error: it may hold a password.
    pub(crate) fn parse(url: &str) -> Result<Self, OpenError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return PgConnectOptions::from_str(url)
                .map(|options| Self::Server(Box::new(options)))
                .map_err(|_| OpenError::Address("the postgres:// URL cannot be read"));
        }
        match url.strip_prefix("sqlite:") {
            Some(":memory:" | "//:memory:") => Ok(Self::Memory),
            Some("" | "//") => Err(OpenError::Address("sqlite: needs a file's path")),
            Some(rest) if rest.contains('?') => {
                Err(OpenError::Address("sqlite: takes no parameters after `?`"))
            }
            Some(_) => SqliteConnectOptions::from_str(url)
                .map(|options| Self::File(options.get_filename().to_owned()))
                .map_err(|_| OpenError::Address("the path after sqlite: is not UTF-8")),
            None => Err(OpenError::Address(
                "it begins with neither sqlite: nor postgres:",
            )),
        }
    }
}

/// Where the key of an embedded database is kept when none was given: beside it. `None` for a server and
/// for a database in memory.
///
/// # Errors
/// [`OpenError::Address`] if the URL cannot be read.
pub(crate) fn key_file(url: &str) -> Result<Option<PathBuf>, OpenError> {
    Ok(match Address::parse(url)? {
        Address::File(path) => Some(beside(&path)),
        Address::Memory | Address::Server(_) => None,
    })
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(url: &str) -> PathBuf {
        match Address::parse(url).unwrap() {
            Address::File(path) => path,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn paths() {
        assert_eq!(
            file("sqlite:///var/lib/l/l.db"),
            Path::new("/var/lib/l/l.db")
        );
        assert_eq!(file("sqlite:l.db"), Path::new("l.db"));
        assert_eq!(file("sqlite://l.db"), Path::new("l.db"));
        assert_eq!(file("sqlite:///a%20b.db"), Path::new("/a b.db"));
        assert!(matches!(
            Address::parse("sqlite::memory:"),
            Ok(Address::Memory)
        ));
    }

    #[test]
    fn servers() {
        let url = "postgres://ann:pw@db.internal:6432/leeward?sslmode=require";
        assert!(matches!(Address::parse(url), Ok(Address::Server(_))));
        assert!(matches!(
            Address::parse("postgresql:///leeward"),
            Ok(Address::Server(_))
        ));
    }

    #[test]
    fn faults_keep_the_password_to_themselves() {
        for url in [
            "mysql://ann:hunter2@db/x",
            "postgres://ann:hunter2@db:notaport/x",
            "sqlite:",
            "",
            "sqlite:///a?mode=ro",
        ] {
            let fault = Address::parse(url).unwrap_err().to_string();
            assert!(!fault.contains("hunter2"), "{fault}");
            assert!(fault.contains("sqlite:///"), "{fault}");
        }
    }

    #[test]
    fn the_key_lies_beside_the_file() {
        let path = key_file("sqlite:///var/lib/l/l.db").unwrap();
        assert_eq!(path.as_deref(), Some(Path::new("/var/lib/l/l.db.key")));
        assert_eq!(key_file("sqlite::memory:").unwrap(), None);
        assert_eq!(key_file("postgres://db/x").unwrap(), None);
    }
}
