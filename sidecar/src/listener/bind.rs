//! An address of the configuration becomes a socket.

use std::io;
use std::path::{Path, PathBuf};

use leeward_config::types::Address;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::patience::Io;

/// A socket that accepts.
#[derive(Debug)]
pub enum Bound {
    /// `127.0.0.1:4100`.
    Tcp(TcpListener),
    /// `unix:/run/leeward/admin.sock`; the file is removed when the listener is dropped.
    Unix(UnixListener, SocketFile),
}

/// Removes a socket's file.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Best effort: a file that stays is replaced at the next start.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Why an address could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}{hint}")]
pub struct BindError {
    address: String,
    hint: &'static str,
    source: io::Error,
}

impl Bound {
    /// Binds the address.
    pub async fn bind(address: &Address) -> Result<Self, BindError> {
        let bound = match address {
            Address::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp),
            Address::Unix(path) => bind_unix(path).await,
        };
        bound.map_err(|source| BindError {
            hint: match source.kind() {
                io::ErrorKind::AddrInUse => {
                    " (another process has it: stop that one, or set another address under `listen`)"
                }
                io::ErrorKind::PermissionDenied => " (choose a port above 1023, or grant the right)",
                _ => "",
            },
            address: address.to_string(),
            source,
        })
    }

    /// The address in use, as the log and the tests name it.
    pub fn address(&self) -> String {
        match self {
            Self::Tcp(listener) => listener
                .local_addr()
                .map_or_else(|_| "?".into(), |address| address.to_string()),
            Self::Unix(_, file) => format!("unix:{}", file.0.display()),
        }
    }

    /// Whether it is a Unix socket, whose file's mode guards it.
    pub fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(..))
    }

    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // An answer's last short segment must not wait for an acknowledgement.
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Self::Unix(listener, _) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}

async fn bind_unix(path: &Path) -> io::Result<Bound> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    // A socket file that nobody listens on is what a killed process left behind; any other file is
    // somebody's.
    let is_socket =
        std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket && UnixStream::connect(path).await.is_err() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(Bound::Unix(listener, SocketFile(path.to_owned())))
}

/// An accepted connection.
#[derive(Debug)]
pub(super) enum Stream {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

impl Stream {
    pub(super) fn io(self) -> Io {
        match self {
            Self::Tcp(stream) => Box::pin(stream),
            Self::Unix(stream) => Box::pin(stream),
        }
    }
}
