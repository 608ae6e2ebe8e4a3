//! A directory of configuration made for one test.

use std::fs;
use std::path::{Path, PathBuf};

use leeward_config::{Fault, Loaded, Provider};
use tempfile::TempDir;

pub(crate) struct Dir(TempDir);

impl Dir {
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let dir = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            dir.write(name, text);
        }
        dir
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn load(&self) -> Loaded {
        self.load_with(&[])
    }

    pub(crate) fn load_with(&self, overrides: &[(&str, &str)]) -> Loaded {
        let overrides: Vec<(String, String)> = overrides
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        leeward_config::load(self.path(), &overrides, &env)
    }

    /// Faults as they are printed, without the directory.
    pub(crate) fn shown(&self, faults: &[Fault]) -> Vec<String> {
        let prefix = format!("{}/", self.path().display());
        faults
            .iter()
            .map(|fault| fault.to_string().replace(&prefix, ""))
            .collect()
    }
}

/// The environment of all tests.
pub(crate) fn env(name: &str) -> Option<String> {
    match name {
        "EMPTY" => Some(String::new()),
        "BRACES" => Some("a {{token}} \"b".to_owned()),
        "SIXTY" => Some("60".to_owned()),
        name if name.starts_with("MISSING") => None,
        name => Some(format!("value-of-{name}")),
    }
}

/// The faults of one provider's text, as `line:column: message`.
pub(crate) fn provider_faults(text: &str) -> Vec<String> {
    let (source, _) = leeward_config::parse_provider(text, "p", &env);
    match source.result {
        Ok(_) => Vec::new(),
        Err(faults) => faults
            .iter()
            .map(|fault| format!("{}:{}: {}", fault.line, fault.column, fault.message))
            .collect(),
    }
}

/// A provider that must be good.
pub(crate) fn provider(text: &str) -> std::sync::Arc<Provider> {
    let (source, _) = leeward_config::parse_provider(text, "p", &env);
    match source.result {
        Ok(provider) => provider,
        Err(faults) => panic!(
            "{}",
            faults
                .iter()
                .map(|fault| format!("{fault}\n"))
                .collect::<String>()
        ),
    }
}

/// What `check` would only warn of.
pub(crate) fn warnings(text: &str) -> Vec<String> {
    let (source, warnings) = leeward_config::parse_provider(text, "p", &env);
    assert!(source.result.is_ok(), "{:?}", source.result);
    warnings
        .iter()
        .map(|fault| format!("{}:{}: {}", fault.line, fault.column, fault.message))
        .collect()
}
