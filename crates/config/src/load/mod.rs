//! From a directory to checked, compiled configuration.

mod cross;
mod files;
mod overrides;
mod read;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use files::digest;
pub(crate) use files::digest_text;

use crate::fault::{Fault, tidy};
use crate::tree::Lookup;
use crate::types::{Account, Destination, Model, Process, Provider};
use read::{Read, parse};

/// A file (or a row) and what came of it.
#[derive(Debug, Clone)]
pub struct Source<T> {
    /// Where it was read.
    pub path: PathBuf,
    /// The name that it gives itself; of a file that cannot be read, the file's name without its
    /// ending.
    pub name: String,
    /// What it holds, or all that is wrong with it.
    pub result: Result<Arc<T>, Vec<Fault>>,
    /// Twelve hexadecimal digits that change with the content, what is put in from outside
    /// included: the value of `Leeward-Config`.
    pub version: String,
}

/// A directory of configuration, read and checked.
#[derive(Debug)]
pub struct Loaded {
    /// `leeward.yaml`; all defaults if there is none.
    pub process: Result<Process, Vec<Fault>>,
    /// `providers/*.yaml`, by file name.
    pub providers: Vec<Source<Provider>>,
    /// `accounts/*.yaml`, by file name.
    pub accounts: Vec<Source<Account>>,
    /// `models/*.yaml`, by file name.
    pub models: Vec<Source<Model>>,
    /// `destinations/*.yaml`, by file name.
    pub destinations: Vec<Source<Destination>>,
    /// Every fault of every file, by place.
    pub faults: Vec<Fault>,
    /// What is no fault, but worth to know: above all keys of parts that are not there yet.
    pub warnings: Vec<Fault>,
    /// The files outside of the directory's own that were put in (`${file:…}`).
    pub watched: Vec<PathBuf>,
    /// [`digest`] of what was read.
    pub digest: [u8; 32],
}

/// Reads and checks a directory. `overrides` are the `--set key.path=value` of the command line;
/// `env` answers for `${env:NAME}`.
///
/// ```
/// let dir = tempfile::tempdir().unwrap();
/// std::fs::create_dir(dir.path().join("providers")).unwrap();
/// std::fs::write(dir.path().join("providers/x.yaml"), "provider: x\nbase_urll: https://x.example\n").unwrap();
/// let loaded = leeward_config::load(dir.path(), &[], &|_| None);
/// let message = loaded.faults[1].to_string();
/// assert!(message.ends_with("x.yaml:2:1: unknown key `base_urll`; did you mean `base_url`?"), "{message}");
/// ```
#[must_use]
pub fn load(
    dir: &Path,
    overrides: &[(String, String)],
    env: &dyn Fn(&str) -> Option<String>,
) -> Loaded {
    let lookup = Lookup::new(env);
    // Taken before anything is read: a change in between is seen as one, rather than missed.
    let (files, mut faults) = files::list(dir);
    let process = read::process(&files, overrides, &lookup);
    let providers: Vec<Read<Provider>> = files
        .providers
        .iter()
        .map(|file| parse(file, &lookup))
        .collect();
    let accounts: Vec<Read<Account>> = files
        .accounts
        .iter()
        .map(|file| parse(file, &lookup))
        .collect();
    let models: Vec<Read<Model>> = files
        .models
        .iter()
        .map(|file| parse(file, &lookup))
        .collect();
    let destinations: Vec<Read<Destination>> = files
        .destinations
        .iter()
        .map(|file| parse(file, &lookup))
        .collect();
    let mut all = cross::All {
        providers,
        accounts,
        models,
        destinations,
    };
    all.check();
    let watched = lookup.files();
    let mut warnings = Vec::new();
    let process = process
        .finish(&mut faults, &mut warnings)
        .result
        .map(|process| Arc::try_unwrap(process).unwrap_or_else(|shared| (*shared).clone()));
    let providers = all
        .providers
        .into_iter()
        .map(|read| read.finish(&mut faults, &mut warnings))
        .collect();
    let accounts = all
        .accounts
        .into_iter()
        .map(|read| read.finish(&mut faults, &mut warnings))
        .collect();
    let models = all
        .models
        .into_iter()
        .map(|read| read.finish(&mut faults, &mut warnings))
        .collect();
    let destinations = all
        .destinations
        .into_iter()
        .map(|read| read.finish(&mut faults, &mut warnings))
        .collect();
    tidy(&mut faults);
    tidy(&mut warnings);
    let digest = files::digest_of(&files, &lookup);
    Loaded {
        process,
        providers,
        accounts,
        models,
        destinations,
        faults,
        warnings,
        watched,
        digest,
    }
}

/// Reads and checks one provider that is no file of the directory: a row of the store, or the body
/// of a `PUT`. JSON is YAML. The second part are its warnings.
#[must_use]
pub fn parse_provider(
    text: &str,
    name: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> (Source<Provider>, Vec<Fault>) {
    let lookup = Lookup::new(env);
    let file = files::File::of(PathBuf::from(name), Ok(text.to_owned()));
    let read: Read<Provider> = parse(&file, &lookup);
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    let source = read.finish(&mut faults, &mut warnings);
    tidy(&mut warnings);
    (source, warnings)
}
