//! Which files a directory holds, and a digest of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::fault::Fault;
use crate::tree::{Document, Lookup, MAX_FILE, Unread, read_text};

/// The largest configuration file.
const MAX_CONFIG: u64 = 4 << 20;

/// A configuration file as it was read.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) document: Arc<Document>,
    /// Why it could not be read.
    pub(super) unread: Option<Unread>,
    digest: [u8; 32],
}

/// The files of a directory by kind.
#[derive(Default)]
pub(super) struct Files {
    pub(super) process: Option<File>,
    pub(super) providers: Vec<File>,
    pub(super) accounts: Vec<File>,
    pub(super) models: Vec<File>,
    pub(super) destinations: Vec<File>,
}

impl File {
    pub(super) fn of(path: PathBuf, text: Result<String, Unread>) -> Self {
        let digest = digest_text(text.as_ref().ok());
        let name = path.display().to_string();
        let (text, unread) = match text {
            Ok(text) => (text, None),
            Err(unread) => (String::new(), Some(unread)),
        };
        Self {
            path,
            document: Arc::new(Document {
                name,
                text,
                lenient: false,
            }),
            unread,
            digest,
        }
    }

    fn read(path: PathBuf) -> Self {
        let text = read_text(&path, MAX_CONFIG);
        Self::of(path, text)
    }
}

/// Reads the files of a directory. What is no directory, or cannot be listed, is a fault.
pub(super) fn list(dir: &Path) -> (Files, Vec<Fault>) {
    let mut files = Files::default();
    let mut faults = Vec::new();
    if let Err(error) = fs::read_dir(dir) {
        let reason = crate::tree::reason(&error);
        faults.push(file_fault(
            dir,
            format!("the directory cannot be read: {reason}"),
        ));
        return (files, faults);
    }
    files.process = ["leeward.yaml", "leeward.yml"]
        .into_iter()
        .map(|name| dir.join(name))
        .find(|path| fs::symlink_metadata(path).is_ok())
        .map(File::read);
    for (name, into) in [
        ("providers", &mut files.providers),
        ("accounts", &mut files.accounts),
        ("models", &mut files.models),
        ("destinations", &mut files.destinations),
    ] {
        match yaml_files(&dir.join(name)) {
            Ok(paths) => into.extend(paths.into_iter().map(File::read)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let reason = crate::tree::reason(&error);
                faults.push(file_fault(
                    &dir.join(name),
                    format!("the directory cannot be read: {reason}"),
                ));
            }
        }
    }
    (files, faults)
}

pub(super) fn file_fault(path: &Path, message: String) -> Fault {
    Fault {
        file: path.display().to_string(),
        line: 1,
        column: 1,
        message,
        pointer: String::new(),
    }
}

/// The YAML files of a directory by name. What begins with a dot is none: `..data` of a mounted
/// ConfigMap, and what editors leave while they write.
fn yaml_files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let yaml = Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        // Followed, since a ConfigMap's files are links; one that leads nowhere is read, and said.
        let directory = fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_dir());
        if yaml && !name.starts_with(['.', '#']) && !directory {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// A digest of all that [`load`](super::load) would read of a directory and of the files that were
/// put in: made for being asked each second. It changes with any content, also behind the links of
/// a ConfigMap, and with nothing else.
#[must_use]
pub fn digest(dir: &Path, watched: &[PathBuf]) -> [u8; 32] {
    let (files, _) = list(dir);
    let watched = watched.iter().map(|path| {
        (
            path.as_path(),
            digest_text(read_text(path, MAX_FILE).ok().as_ref()),
        )
    });
    combine(&files, watched)
}

/// The same of what was read.
pub(super) fn digest_of(files: &Files, lookup: &Lookup<'_>) -> [u8; 32] {
    let watched = lookup.digests();
    combine(
        files,
        watched
            .iter()
            .map(|(path, digest)| (path.as_path(), *digest)),
    )
}

fn combine<'a>(files: &Files, watched: impl Iterator<Item = (&'a Path, [u8; 32])>) -> [u8; 32] {
    let mut sum = Sha256::new();
    let mut one = |kind: u8, path: &Path, digest: &[u8; 32]| {
        let path = path.as_os_str().as_encoded_bytes();
        sum.update([kind]);
        sum.update(u64::try_from(path.len()).unwrap_or(u64::MAX).to_le_bytes());
        sum.update(path);
        sum.update(digest);
    };
    let kinds = [
        &files.providers,
        &files.accounts,
        &files.models,
        &files.destinations,
    ];
    let listed = kinds.into_iter().flatten();
    for file in files.process.iter().chain(listed) {
        one(0, &file.path, &file.digest);
    }
    for (path, digest) in watched {
        one(1, path, &digest);
    }
    sum.finalize().into()
}

/// A digest of a text; that of no text is another than that of an empty one.
pub(crate) fn digest_text(text: Option<&String>) -> [u8; 32] {
    text.map_or([0; 32], |text| Sha256::digest(text).into())
}
