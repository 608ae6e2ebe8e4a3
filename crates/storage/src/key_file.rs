//! The key file beside an embedded database.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::keys::{self, Keys, KeysError};

/// No list of keys is longer: the file is not what it should be.
const LONGEST: u64 = 64 * 1024;
/// How long another process may take between creating the file and having written it, in steps.
const PATIENCE: u32 = 100;
const STEP: Duration = Duration::from_millis(20);

/// Why a key file was not read or made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file cannot be read or made.
    #[error(
        "the key file {} cannot be read or made: {source}; the directory must exist and be writable for this user",
        path.display()
    )]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anybody may read the file. (A group may: volumes are often handed to a pod by its group.)
    #[error(
        "the key file {} is open to everybody (mode {mode:04o}); `chmod 600 {}` closes it",
        path.display(), path.display()
    )]
    OpenToOthers {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// What stands in the file is no list of keys, one a line.
    #[error("the key file {}: {source}", path.display())]
    Keys {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: KeysError,
    },
}

/// What [`Keys::load_or_create`] did.
#[derive(Debug, Clone)]
pub struct LoadedKeys {
    /// The keys.
    pub keys: Keys,
    /// Whether the file was made just now: worth a line in the log, since whoever loses it loses the accounts.
    pub created: bool,
}

impl Keys {
    /// Reads the key file (base64, one key a line, the first seals), or makes one with a new key if there is
    /// none: created with `O_EXCL` and mode 0600, durable before this returns, and whole for whoever else starts at the same moment.
    ///
    /// Blocking; it is meant for the start of a process.
    ///
    /// # Errors
    /// [`KeyFileError`] if the file cannot be read or made, is open to others, or holds no keys.
    pub fn load_or_create(path: impl AsRef<Path>) -> Result<LoadedKeys, KeyFileError> {
        let path = path.as_ref();
        let created = match create(path) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(source) => return Err(file_error(path, source)),
        };
        let keys = load(path)?;
        Ok(LoadedKeys { keys, created })
    }
}

fn create(path: &Path) -> io::Result<()> {
    let key = keys::random_key().map_err(io::Error::other)?;
    let text = Zeroizing::new(format!("{}\n", *keys::encode(&key)));
    let mut file = exclusive(path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if let Err(error) = written {
        // Half a key would stand in the way of the next start.
        let _ = fs::remove_file(path);
        return Err(error);
    }
    sync_directory(path)
}

/// A new file that only its owner may read.
pub(crate) fn exclusive(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Makes a new file's name durable: without it, a power cut could keep the database and lose its key.
fn sync_directory(path: &Path) -> io::Result<()> {
    match path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        Some(parent) if cfg!(unix) => fs::File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

fn load(path: &Path) -> Result<Keys, KeyFileError> {
    private(path)?;
    let mut left = PATIENCE;
    loop {
        let text = read(path).map_err(|source| file_error(path, source))?;
        // The line break comes last, so a text without one is still being written.
        if text.ends_with('\n') || left == 0 {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            return Keys::parse(lines).map_err(|source| KeyFileError::Keys {
                path: path.to_owned(),
                source,
            });
        }
        // A key put there by hand may lack the line break.
        if let Ok(keys) = Keys::parse(text.lines()) {
            return Ok(keys);
        }
        left -= 1;
        std::thread::sleep(STEP);
    }
}

fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(4096));
    fs::File::open(path)?
        .take(LONGEST)
        .read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(unix)]
fn private(path: &Path) -> Result<(), KeyFileError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path)
        .map_err(|source| file_error(path, source))?
        .permissions()
        .mode()
        & 0o7777;
    if mode & 0o007 == 0 {
        Ok(())
    } else {
        Err(KeyFileError::OpenToOthers {
            path: path.to_owned(),
            mode,
        })
    }
}

#[cfg(not(unix))]
fn private(_path: &Path) -> Result<(), KeyFileError> {
    Ok(())
}

fn file_error(path: &Path, source: io::Error) -> KeyFileError {
    KeyFileError::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_once_and_then_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("leeward.key");
        let first = Keys::load_or_create(&path).unwrap();
        let again = Keys::load_or_create(&path).unwrap();
        assert!(first.created && !again.created);
        assert_eq!(first.keys.ids(), again.keys.ids());
    }

    #[test]
    fn starts_at_the_same_moment_agree() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("leeward.key");
        let made: Vec<LoadedKeys> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| Keys::load_or_create(&path).unwrap()))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(made.iter().filter(|made| made.created).count(), 1);
        assert!(made.iter().all(|one| one.keys.ids() == made[0].keys.ids()));
    }

    #[test]
    fn a_missing_directory_is_said() {
        let fault = Keys::load_or_create("/nonexistent-directory/leeward.key").unwrap_err();
        assert!(
            fault.to_string().contains("must exist and be writable"),
            "{fault}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn the_mode_is_set_and_asked_for() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("leeward.key");
        Keys::load_or_create(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let fault = Keys::load_or_create(&path).unwrap_err();
        assert!(matches!(
            fault,
            KeyFileError::OpenToOthers { mode: 0o644, .. }
        ));
        assert!(fault.to_string().contains("chmod 600"));
    }

    #[test]
    fn several_lines_rotate() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let lines: Vec<String> = (0..2)
            .map(|_| keys::encode(&keys::random_key().unwrap()).to_string())
            .collect();
        exclusive(&path)
            .unwrap()
            .write_all(format!("{}\n", lines.join("\n\n")).as_bytes())
            .unwrap();
        let loaded = Keys::load_or_create(&path).unwrap();
        assert_eq!(loaded.keys.ids(), Keys::parse(&lines).unwrap().ids());
    }
}
