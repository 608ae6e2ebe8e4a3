//! HTTP Basic (RFC 7617).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use leeward_expression::{Place, Scope, Template};

use crate::Incomplete;
use crate::request::text_or_empty;
use crate::scheme::own;

/// A user's name and password.
#[derive(Debug, Clone)]
pub struct Basic {
    /// Default `{{credentials.username}}`.
    pub username: Template,
    /// Default `{{credentials.password}}`.
    pub password: Template,
}

impl Default for Basic {
    fn default() -> Self {
        Self {
            username: own("username"),
            password: own("password"),
        }
    }
}

impl Basic {
    /// `Basic base64(username:password)`, in UTF-8. A name with a colon cannot be told from its password, so it is
    /// refused (RFC 7617, section 2), as are control characters.
    pub(crate) fn header(&self, scope: &Scope<'_>) -> Result<HeaderValue, Incomplete> {
        let username = text_or_empty(&self.username, scope, Place::Header, "username")?;
        if username.contains(':') {
            return Err(Incomplete {
                missing: self
                    .username
                    .paths()
                    .next()
                    .unwrap_or("username")
                    .to_owned(),
            });
        }
        let password = text_or_empty(&self.password, scope, Place::Header, "password")?;
        // A key often stands alone on one side; on neither is no credential.
        if username.is_empty() && password.is_empty() {
            return Err(Incomplete {
                missing: self
                    .username
                    .paths()
                    .next()
                    .unwrap_or("username")
                    .to_owned(),
            });
        }
        basic_header(&username, &password)
    }
}

/// The header for two texts that are already as they must be.
pub(crate) fn basic_header(username: &str, password: &str) -> Result<HeaderValue, Incomplete> {
    let value = format!(
        "Basic {}",
        STANDARD.encode(format!("{username}:{password}"))
    );
    let mut value = HeaderValue::from_str(&value).map_err(|_| Incomplete {
        missing: "username".into(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}
