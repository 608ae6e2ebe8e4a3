//! Servers, names, certificates and clients.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use leeward_upstream::{
    BoxFuture, Client, Error, HostPolicy, Kind, Observe, Resolve, Settings, TlsIdentity,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

pub(crate) type Body = Full<Bytes>;

/// A bound for what must end by the client's own limit.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// A server that does `serve` with each connection, numbered from 0.
pub(crate) async fn server<F, R>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream, usize) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut number = 0;
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket, number));
            number += 1;
        }
    });
    address
}

/// A server that reads each request and answers with these bytes, then closes.
pub(crate) async fn answering(bytes: impl Into<Vec<u8>>) -> SocketAddr {
    let bytes = Arc::new(bytes.into());
    server(move |mut socket, _| {
        let bytes = Arc::clone(&bytes);
        async move {
            read_request(&mut socket).await;
            let _ = socket.write_all(&bytes).await;
            let _ = socket.shutdown().await;
            drain(&mut socket).await;
        }
    })
    .await
}

/// Reads a request to the end of its head; what has no body ends there.
pub(crate) async fn read_request(socket: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match socket.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// Reads until the other side closes.
pub(crate) async fn drain(socket: &mut (impl AsyncRead + Unpin)) {
    let _ = tokio::io::copy(socket, &mut tokio::io::sink()).await;
}

/// A port that nobody listens on.
pub(crate) fn refused() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// Names for the client, and how often each was asked for.
#[derive(Default)]
pub(crate) struct Names {
    known: HashMap<String, Vec<IpAddr>>,
    pub(crate) asked: AtomicUsize,
}

impl Names {
    pub(crate) fn new(names: &[(&str, &[&str])]) -> Arc<Self> {
        let parse = |list: &[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect();
        let known = names
            .iter()
            .map(|(name, list)| ((*name).to_owned(), parse(list)));
        Arc::new(Self {
            known: known.collect(),
            asked: AtomicUsize::new(0),
        })
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let unknown = || io::Error::new(io::ErrorKind::NotFound, "no such name");
            self.known.get(host).cloned().ok_or_else(unknown)
        })
    }
}

/// What an observer was told.
#[derive(Default)]
pub(crate) struct Told(Mutex<Vec<&'static str>>);

impl Told {
    pub(crate) fn all(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

impl Observe for Told {
    fn connected(&self, result: &'static str) {
        self.0.lock().unwrap().push(result);
    }
}

/// A client that knows `example.test` and `other.test` as loopback.
pub(crate) fn client(identity: &TlsIdentity) -> Client<Body> {
    client_with(identity, Settings::default())
}

pub(crate) fn client_with(identity: &TlsIdentity, settings: Settings) -> Client<Body> {
    let names = Names::new(&[
        ("example.test", &["127.0.0.1"]),
        ("other.test", &["127.0.0.1"]),
    ]);
    let policy = HostPolicy::unrestricted();
    Client::with(settings, identity, policy, names, Arc::new(Told::default())).unwrap()
}

/// The usual settings with a short limit to connect.
pub(crate) fn hasty() -> Settings {
    Settings {
        connect: SHORT,
        ..Settings::default()
    }
}

pub(crate) fn anonymous() -> Client<Body> {
    client(&TlsIdentity::default())
}

pub(crate) fn get(url: impl AsRef<str>) -> Request<Body> {
    Request::get(url.as_ref()).body(Body::default()).unwrap()
}

pub(crate) fn post(url: impl AsRef<str>, body: &'static str) -> Request<Body> {
    Request::post(url.as_ref()).body(Body::from(body)).unwrap()
}

pub(crate) async fn send(
    client: &Client<Body>,
    request: Request<Body>,
) -> Result<Response<Incoming>, Error> {
    client.clone().oneshot(request).await
}

pub(crate) async fn text(response: Response<Incoming>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The error of a request that must fail so.
pub(crate) async fn failure(client: &Client<Body>, request: Request<Body>, kind: Kind) -> Error {
    let error = send(client, request).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    error
}

/// A private CA.
pub(crate) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl Ca {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        // Issuers are told apart by name before their signatures are looked at.
        let name = format!("ca of key {:?}", key.public_key_raw());
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A certificate for a name and its key, as PEM.
    pub(crate) fn issue(&self, name: &str) -> (String, String) {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// Trusts this CA.
    pub(crate) fn trusted(&self) -> TlsIdentity {
        TlsIdentity {
            ca: Some(self.pem.clone()),
            client: None,
        }
    }

    /// A server's side with a certificate for `name`, asking for one of `clients` if given.
    pub(crate) fn acceptor(&self, name: &str, alpn: &[&str], clients: Option<&Ca>) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                roots
                    .add(CertificateDer::from_pem_slice(ca.pem.as_bytes()).unwrap())
                    .unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let (certificate, key) = self.issue(name);
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}
