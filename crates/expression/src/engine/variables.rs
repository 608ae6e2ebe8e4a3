//! The names that an expression sees beside its input: variables and host functions.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use jlens_core::{Error, HostFunction};
use serde_json::Value;

use crate::functions::{self, Refused};

/// Variables in the engine's form, shared by clones until one is changed.
#[derive(Debug, Clone)]
pub(crate) struct Variables {
    pub(super) known: Arc<jlens_core::Bindings>,
    pub(crate) now: Option<i64>,
}

impl Default for Variables {
    fn default() -> Self {
        Self {
            known: Arc::clone(&FUNCTIONS),
            now: None,
        }
    }
}

impl Variables {
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        let known = Arc::make_mut(&mut self.known);
        *known = std::mem::take(known).var(name, value);
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.known.get(name)
    }
}

/// Whether a name is that of a function: of JSONata, of ours, or of our definitions around a source.
pub(crate) fn is_function(name: &str) -> bool {
    static NAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
        jlens_core::function_catalog()
            .iter()
            .map(|function| function.name)
            .collect()
    });
    NAMES.contains(name) || FUNCTIONS.get_function(name).is_some() || name.starts_with("leeward_")
}

pub(super) static FUNCTIONS: LazyLock<Arc<jlens_core::Bindings>> = LazyLock::new(|| {
    let known = [
        ("hash", host("<sss?:s>", functions::hash)),
        ("hmac", host("<s(so)ss?:s>", functions::hmac)),
        (
            "leeward_distinct",
            host("<x:x>", |args| Ok(functions::distinct(args))),
        ),
        (
            "leeward_keys",
            host("<x:x>", |args| Ok(functions::keys(args))),
        ),
    ];
    Arc::new(
        known
            .into_iter()
            .fold(jlens_core::Bindings::new(), |bindings, (name, function)| {
                bindings.function(name, function)
            }),
    )
});

fn host(
    signature: &str,
    function: impl Fn(&[Option<Value>]) -> Result<Option<Value>, Refused>
    + Send
    + Sync
    + Clone
    + 'static,
) -> HostFunction {
    let call = move |args: &[Option<Value>], _: &jlens_core::HostCall<'_>| {
        function(args).map_err(|Refused(code, message)| Error::new(code).with("message", message))
    };
    HostFunction::with_signature(signature, call.clone())
        // The signatures are constants, and a test calls each function.
        .unwrap_or_else(|_| HostFunction::new(1, call))
        .without_input()
}
