//! The provider's base URLs: fixed where no variable is in them.

use std::collections::HashMap;
use std::sync::Arc;

use leeward_expression::{Place, Rendered, Scope, Template};
use leeward_wire::BaseUrl;

/// The default base and the named ones.
#[derive(Debug)]
pub struct Bases {
    default: Base,
    named: HashMap<String, Base>,
}

/// One base.
#[derive(Debug)]
enum Base {
    Fixed(Arc<BaseUrl>),
    Templated(Template),
}

impl Bases {
    /// From the templates of the file.
    ///
    /// # Errors
    /// A literal URL that is none, in words.
    pub fn compile<'a>(
        default: &Template,
        named: impl Iterator<Item = (&'a str, &'a Template)>,
    ) -> Result<Self, String> {
        let base = |template: &Template| match template.is_literal() {
            Some(text) => BaseUrl::parse(text)
                .map(|url| Base::Fixed(Arc::new(url)))
                .map_err(|error| error.to_string()),
            None => Ok(Base::Templated(template.clone())),
        };
        Ok(Self {
            default: base(default)?,
            named: named
                .map(|(name, template)| Ok((name.to_owned(), base(template)?)))
                .collect::<Result<_, String>>()?,
        })
    }

    /// Whether a variable of the account is in one of them.
    pub fn need_account(&self) -> bool {
        let templated = |base: &Base| matches!(base, Base::Templated(_));
        templated(&self.default) || self.named.values().any(templated)
    }

    /// A base without variables.
    pub fn fixed(&self, name: Option<&str>) -> Option<Arc<BaseUrl>> {
        match self.get(name)? {
            Base::Fixed(url) => Some(Arc::clone(url)),
            Base::Templated(_) => None,
        }
    }

    /// The hosts that the file names in full, whatever else is a variable.
    pub fn fixed_hosts(&self) -> impl Iterator<Item = String> {
        let all = self.named.values().chain([&self.default]);
        all.filter_map(|base| match base {
            Base::Fixed(url) => Some(url.host().to_owned()),
            Base::Templated(template) => fixed_host(template),
        })
    }

    /// A base with the variables filled in.
    ///
    /// # Errors
    /// What the account lacks, or has in a form that a URL refuses.
    pub fn fill(&self, name: Option<&str>, scope: &Scope<'_>) -> Result<Arc<BaseUrl>, String> {
        match self.get(name) {
            None => Err("a base that this provider does not have".to_owned()),
            Some(Base::Fixed(url)) => Ok(Arc::clone(url)),
            Some(Base::Templated(template)) => match template.render(scope, Place::Url) {
                Ok(Rendered::Text(url)) => BaseUrl::parse(&url)
                    .map(Arc::new)
                    .map_err(|error| format!("a base_url that is usable: {error}")),
                Ok(Rendered::Nothing { missing }) => Err(missing.join(", ")),
                Err(fault) => Err(fault.to_string()),
            },
        }
    }

    /// The names of the named bases.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }

    fn get(&self, name: Option<&str>) -> Option<&Base> {
        match name {
            None => Some(&self.default),
            Some(name) => self.named.get(name),
        }
    }
}

/// The host of a URL in which no variable can change it.
pub(super) fn fixed_host(url: &Template) -> Option<String> {
    if let Some(literal) = url.is_literal() {
        return Some(BaseUrl::parse(literal).ok()?.host().to_owned());
    }
    let before = url.source().split("{{").next()?;
    let (scheme, rest) = before.split_once("://")?;
    let authority = rest.get(..rest.find(['/', '?', '#'])?)?;
    let url = BaseUrl::parse(&format!("{scheme}://{authority}/")).ok()?;
    Some(url.host().to_owned())
}
