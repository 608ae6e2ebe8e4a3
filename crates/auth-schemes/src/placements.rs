//! Where a credential goes on a request.

use http::header::{AUTHORIZATION, HeaderName};
use leeward_expression::{Names, Scope, Template};

use crate::request::{header, incomplete};
use crate::{Basic, Bearer, Incomplete, Inputs, Prepared, Scheme};

/// One place on a request, and what goes there.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// Where.
    pub at: Where,
    /// What.
    pub value: Template,
}

/// A place on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// A header.
    Header(HeaderName),
    /// A parameter of the query.
    Query(String),
    /// A member of a JSON or form body; other bodies pass unchanged.
    Body(String),
}

/// All places on which a provider's credential goes, compiled.
#[derive(Debug, Clone, Default)]
pub struct Placements {
    placements: Vec<Placement>,
    /// Whether a placement is the type's own credential, without which no call is made.
    own: Vec<bool>,
    basic: Option<Basic>,
    bearer: Option<Bearer>,
    names: Names,
}

impl Placements {
    /// Where `scheme` puts its credential: as `apply` says, or, if that is empty, as its type does.
    #[must_use]
    pub fn new(scheme: &Scheme, apply: Vec<Placement>) -> Self {
        let by_type = apply.is_empty();
        let mut placements = apply;
        if by_type
            && matches!(
                scheme,
                Scheme::Bearer(_) | Scheme::OAuth2(_) | Scheme::ClientCredentials(_)
            )
        {
            placements.push(Placement {
                at: Where::Header(AUTHORIZATION),
                // Parses, as a test holds.
                value: Template::parse("Bearer {{token}}")
                    .unwrap_or_else(|_| Template::literal("")),
            });
        }
        let basic = match scheme {
            Scheme::Basic(basic) if by_type => Some(basic.clone()),
            _ => None,
        };
        let bearer = match scheme {
            Scheme::Bearer(bearer) if !bearer.is_kept() => Some(bearer.clone()),
            _ => None,
        };
        let mut names = Names::default();
        placements
            .iter()
            .for_each(|placement| names.extend(placement.value.names()));
        if let Some(basic) = &basic {
            names.extend(basic.username.names());
            names.extend(basic.password.names());
        }
        if let Some(bearer) = &bearer {
            names.extend(bearer.token.names());
        }
        Self {
            own: own(scheme, &placements),
            placements,
            basic,
            bearer,
            names,
        }
    }

    /// Whether nothing is put anywhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.placements.is_empty() && self.basic.is_none()
    }

    /// The names that its templates read.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Whether it must be prepared for each request: it reads `request`, `now`, the clock or chance. Otherwise what was
    /// prepared holds as long as the token.
    #[must_use]
    pub fn per_request(&self) -> bool {
        self.names.per_request()
    }

    /// Whether the request's body must be held for it: it reads `request.body` or `request.form`, or may.
    #[must_use]
    pub fn reads_body(&self) -> bool {
        let bearer = self.bearer.iter().map(|bearer| &bearer.token);
        let templates = self
            .placements
            .iter()
            .map(|placement| &placement.value)
            .chain(bearer);
        self.names.reads_all()
            || templates.flat_map(Template::paths).any(|path| {
                path == "request"
                    || ["request.body", "request.form"]
                        .iter()
                        .any(|body| path.starts_with(body))
            })
    }

    /// Whether something is put into bodies.
    #[must_use]
    pub fn writes_body(&self) -> bool {
        self.placements
            .iter()
            .any(|placement| matches!(placement.at, Where::Body(_)))
    }

    /// Fills the templates.
    ///
    /// # Errors
    /// [`Incomplete`] names the type's own credential if it has no value, and whatever its place refuses. Other placements
    /// without a value fall away.
    pub fn prepare(&self, inputs: &Inputs) -> Result<Prepared, Incomplete> {
        let given;
        let inputs = match &self.bearer {
            Some(bearer) => {
                let scope = inputs.scope();
                let token = crate::request::text(
                    &bearer.token,
                    &scope,
                    leeward_expression::Place::Raw,
                    "token",
                )?;
                given = inputs.clone().token(&token);
                &given
            }
            None => inputs,
        };
        let scope = inputs.scope();
        let mut prepared = Prepared::default();
        if let Some(basic) = &self.basic {
            prepared.set_header(AUTHORIZATION, basic.header(&scope)?);
        }
        let mut missing = None;
        for (placement, own) in self.placements.iter().zip(&self.own) {
            if *own && let Some(missing) = placement.empty(&scope) {
                return Err(Incomplete { missing });
            }
            if !placement.place(&scope, &mut prepared)? {
                if *own {
                    return Err(placement.incomplete(&scope));
                }
                missing = missing.or(Some(placement));
            }
        }
        match missing {
            // All fell away: that would be a call without credentials.
            Some(placement) if prepared.is_empty() => Err(placement.incomplete(&scope)),
            _ => Ok(prepared),
        }
    }
}

impl Placement {
    /// Puts the value where it belongs; `false` if there is none.
    fn place(&self, scope: &Scope<'_>, prepared: &mut Prepared) -> Result<bool, Incomplete> {
        match &self.at {
            Where::Header(name) => {
                let value = header(name, &self.value, scope)?;
                let value = value.filter(|value| !value.is_empty());
                let has_value = value.is_some();
                if let Some(value) = value {
                    prepared.set_header(name.clone(), value);
                }
                Ok(has_value)
            }
            Where::Query(name) | Where::Body(name) => {
                let value = self
                    .value
                    .value(scope)
                    .map_err(|fault| incomplete(&fault, name))?;
                let value = value.filter(|value| !value.is_null() && value.as_str() != Some(""));
                let has_value = value.is_some();
                if let Some(value) = value {
                    match self.at {
                        Where::Query(_) => prepared.add_query(name, &value),
                        _ => prepared.set_body(name, value),
                    }
                }
                Ok(has_value)
            }
        }
    }

    /// The name of a credential that is looked up and is an empty text: `Bearer ` is no credential.
    fn empty(&self, scope: &Scope<'_>) -> Option<String> {
        if self.value.is_computed() {
            return None;
        }
        let is_empty = |path: &&str| {
            let mut names = path.split('.');
            let root = names.next().and_then(|root| scope.get(root));
            names
                .fold(root, |value, name| value?.get(name))
                .is_some_and(|value| value.as_str() == Some(""))
        };
        self.value.paths().find(is_empty).map(str::to_owned)
    }

    fn incomplete(&self, scope: &Scope<'_>) -> Incomplete {
        let name = match &self.at {
            Where::Header(name) => name.as_str(),
            Where::Query(name) | Where::Body(name) => name,
        };
        match crate::request::text(&self.value, scope, leeward_expression::Place::Raw, name) {
            Err(incomplete) => incomplete,
            Ok(_) => Incomplete {
                missing: name.to_owned(),
            },
        }
    }
}

/// Which placements are the type's own credential: those of the token, or of the key.
fn own(scheme: &Scheme, placements: &[Placement]) -> Vec<bool> {
    let reading = |what: &str| -> Vec<bool> {
        placements
            .iter()
            .map(|placement| {
                let value = &placement.value;
                value.names().contains(what) || value.paths().any(|path| path == what)
            })
            .collect()
    };
    match scheme {
        Scheme::None => vec![false; placements.len()],
        Scheme::Bearer(_) | Scheme::OAuth2(_) | Scheme::ClientCredentials(_) => reading("token"),
        Scheme::ApiKey => {
            let keys = reading("credentials.api_key");
            if keys.contains(&true) {
                keys
            } else {
                reading("credentials")
            }
        }
        Scheme::Basic(_) => reading("credentials"),
    }
}
