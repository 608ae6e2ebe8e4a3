use std::error::Error as _;
use std::net::SocketAddr;

use http::Version;
use leeward_upstream::{Client, HostPolicy, Kind, Settings, TlsError, TlsIdentity};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use crate::support::{
    Body, Ca, anonymous, client, client_with, drain, failure, get, hasty, post, read_request, send,
    server, text,
};

/// A server that speaks HTTP/1.1 over TLS.
async fn tls_server(acceptor: TlsAcceptor) -> SocketAddr {
    server(move |socket, _| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut tls) = acceptor.accept(socket).await else {
                return;
            };
            read_request(&mut tls).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
            let _ = tls.write_all(answer).await;
            drain(&mut tls).await;
        }
    })
    .await
}

fn url(address: SocketAddr) -> String {
    format!("https://example.test:{}/", address.port())
}

#[tokio::test]
async fn a_private_ca_is_trusted_where_it_is_given() {
    let ca = Ca::new();
    for alpn in [&["h2x", "http/1.1"][..], &["http/1.1"], &[]] {
        let address = tls_server(ca.acceptor("example.test", alpn, None)).await;
        let response = send(&client(&ca.trusted()), get(url(address)))
            .await
            .unwrap();
        assert_eq!(response.version(), Version::HTTP_11);
        assert_eq!(text(response).await, "hi");
    }
}

#[tokio::test]
async fn several_cas_may_stand_in_one_text() {
    let (ca, other) = (Ca::new(), Ca::new());
    let identity = TlsIdentity {
        ca: Some(format!("a comment\n{}\n{}", other.pem, ca.pem)),
        client: None,
    };
    let address = tls_server(ca.acceptor("example.test", &[], None)).await;
    assert!(send(&client(&identity), get(url(address))).await.is_ok());
}

#[tokio::test]
async fn an_unknown_issuer_is_not_trusted() {
    let (ca, other) = (Ca::new(), Ca::new());
    let address = tls_server(ca.acceptor("example.test", &[], None)).await;
    for identity in [TlsIdentity::default(), other.trusted()] {
        let error = failure(&client(&identity), post(url(address), "x"), Kind::Tls).await;
        assert!(error.never_sent());
        let text = error.to_string();
        let begin = "certificate of example.test not trusted: unknown issuer";
        assert!(text.starts_with(begin), "{text}");
        assert!(error.source().is_some());
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_trusted() {
    let ca = Ca::new();
    let address = tls_server(ca.acceptor("other.test", &[], None)).await;
    let error = failure(&client(&ca.trusted()), get(url(address)), Kind::Tls).await;
    assert!(error.never_sent());
    let text = error.to_string();
    assert!(
        text.starts_with("certificate of example.test not trusted: "),
        "{text}"
    );
    assert!(text.contains("other.test"), "{text}");
}

#[tokio::test]
async fn a_certificate_may_be_for_an_address() {
    let ca = Ca::new();
    let address = tls_server(ca.acceptor("127.0.0.1", &[], None)).await;
    let by_address = format!("https://{address}/");
    assert!(send(&client(&ca.trusted()), get(by_address)).await.is_ok());
}

#[tokio::test]
async fn mutual_tls_shows_our_certificate() {
    let (ca, clients) = (Ca::new(), Ca::new());
    let address = tls_server(ca.acceptor("example.test", &[], Some(&clients))).await;
    let identity = TlsIdentity {
        ca: Some(ca.pem.clone()),
        client: Some(clients.issue("leeward.test")),
    };
    let response = send(&client(&identity), get(url(address))).await.unwrap();
    assert_eq!(text(response).await, "hi");
}

#[tokio::test]
async fn a_refused_client_certificate_is_told() {
    let (ca, clients, strangers) = (Ca::new(), Ca::new(), Ca::new());
    let address = tls_server(ca.acceptor("example.test", &[], Some(&clients))).await;
    let stranger = TlsIdentity {
        ca: Some(ca.pem.clone()),
        client: Some(strangers.issue("leeward.test")),
    };
    for identity in [ca.trusted(), stranger] {
        let error = failure(&client(&identity), get(url(address)), Kind::Tls).await;
        assert!(
            error.to_string().contains("refused the TLS handshake"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_stalled_handshake_ends_with_the_limit_to_connect() {
    let address = server(|mut socket, _| async move { drain(&mut socket).await }).await;
    let client = client_with(&TlsIdentity::default(), hasty());
    let error = failure(&client, post(url(address), "x"), Kind::ConnectTimeout).await;
    assert!(error.never_sent());
    assert!(error.to_string().contains("the TLS handshake"), "{error}");
    assert!(error.source().is_some());
}

#[tokio::test]
async fn a_server_without_tls_is_told() {
    let plain = server(|mut socket, _| async move {
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        drain(&mut socket).await;
    })
    .await;
    let error = failure(&anonymous(), get(url(plain)), Kind::Tls).await;
    assert!(error.to_string().ends_with("does not speak TLS"), "{error}");
    let hanging_up = server(|socket, _| async move { drop(socket) }).await;
    let error = failure(&anonymous(), get(url(hanging_up)), Kind::Tls).await;
    assert!(error.never_sent());
}

#[test]
fn an_unusable_identity_is_refused_and_never_printed() {
    let ca = Ca::new();
    let (certificate, key) = ca.issue("a.test");
    let (_, other_key) = ca.issue("b.test");
    let build = |identity: &TlsIdentity| {
        Client::<Body>::new(Settings::default(), identity, HostPolicy::unrestricted()).unwrap_err()
    };
    let with_ca = |ca: &str| TlsIdentity {
        ca: Some(ca.to_owned()),
        client: None,
    };
    let with_pair = |certificate: &str, key: &str| TlsIdentity {
        ca: None,
        client: Some((certificate.to_owned(), key.to_owned())),
    };
    let not_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(build(&with_ca("")), TlsError::Ca(None)));
    assert!(matches!(build(&with_ca(&key)), TlsError::Ca(None)));
    assert!(matches!(build(&with_ca(not_der)), TlsError::Ca(Some(_))));
    assert!(matches!(
        build(&with_pair("x", &key)),
        TlsError::Certificate
    ));
    assert!(matches!(
        build(&with_pair(&certificate, "x")),
        TlsError::Key
    ));
    assert!(matches!(
        build(&with_pair(&certificate, &other_key)),
        TlsError::Pair(_)
    ));
    let printed = format!(
        "{:?} {:?}",
        with_pair(&certificate, &key),
        build(&with_pair("x", &key))
    );
    assert!(!printed.contains("BEGIN"), "{printed}");
}
