//! Whom a client trusts and as whom it appears.

use std::fmt;
use std::sync::{Arc, LazyLock};

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroize;

/// Sessions kept for resumption: a client talks to few hosts.
const SESSIONS: usize = 64;

/// Whom a client trusts beside the system's roots, and as whom it appears. Connections belong to
/// one identity: a [`Client`](crate::Client) has one.
///
/// It is never printed; the key is wiped from memory when it is dropped.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct TlsIdentity {
    /// Certificates (PEM, one or more) of a private CA, trusted beside the system's roots.
    pub ca: Option<String>,
    /// For mutual TLS: our certificate with its chain, and its private key (both PEM).
    pub client: Option<(String, String)>,
}

impl Drop for TlsIdentity {
    fn drop(&mut self) {
        if let Some((_, key)) = &mut self.client {
            key.zeroize();
        }
    }
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("ca", &self.ca.is_some())
            .field("client", &self.client.is_some())
            .finish()
    }
}

/// Why a [`TlsIdentity`] is unusable. None of these repeats what it was given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The CA is not PEM with at least one certificate in it.
    #[error("the CA is not a PEM text with a certificate")]
    Ca(#[source] Option<rustls::Error>),
    /// The client's certificate is not PEM with at least one certificate in it.
    #[error("the client certificate is not a PEM text with a certificate")]
    Certificate,
    /// The client's key is not PEM with a private key (PKCS#8, PKCS#1 or SEC 1) in it.
    #[error("the client key is not a PEM text with a private key")]
    Key,
    /// Certificate and key do not belong together, or the key is of an unknown kind.
    #[error("the client certificate and its key cannot be used together")]
    Pair(#[source] rustls::Error),
    /// The cryptography cannot do TLS 1.2 and 1.3.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

/// Never the process's default, which another part may have set or left out.
static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));

/// The system's roots, read once. What cannot be read or parsed is left out: a machine without
/// roots can still talk to those whose CA is given.
static SYSTEM_ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(roots)
});

/// Whether the machine has no roots at all.
pub(crate) fn has_no_system_roots() -> bool {
    SYSTEM_ROOTS.is_empty()
}

/// A configuration for HTTP/2 and HTTP/1.1 by ALPN.
pub(crate) fn client_config(identity: &TlsIdentity) -> Result<Arc<ClientConfig>, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .with_root_certificates(roots(identity.ca.as_deref())?);
    let mut config = match &identity.client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates(certificate).ok_or(TlsError::Certificate)?;
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| TlsError::Key)?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(TlsError::Pair)?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    Ok(Arc::new(config))
}

fn roots(ca: Option<&str>) -> Result<Arc<RootCertStore>, TlsError> {
    let Some(ca) = ca else {
        return Ok(Arc::clone(&SYSTEM_ROOTS));
    };
    let mut roots = RootCertStore::clone(&SYSTEM_ROOTS);
    for certificate in certificates(ca).ok_or(TlsError::Ca(None))? {
        roots
            .add(certificate)
            .map_err(|error| TlsError::Ca(Some(error)))?;
    }
    Ok(Arc::new(roots))
}

/// All certificates of a PEM text; `None` if it is none or has none.
fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let list: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    list.ok().filter(|list| !list.is_empty())
}
