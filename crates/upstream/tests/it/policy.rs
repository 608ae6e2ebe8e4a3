use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use leeward_upstream::{Client, HostPolicy, Kind, PrivateHosts, Settings, TlsIdentity};
use leeward_wire::HostPatterns;
use tokio::io::AsyncWriteExt;

use crate::support::{Body, Names, Told, drain, failure, get, read_request, refused, send, server};

struct Setting {
    client: Client<Body>,
    names: Arc<Names>,
    told: Arc<Told>,
    connections: Arc<AtomicUsize>,
    address: SocketAddr,
}

/// A server on loopback, names that lead there, and a client that allows `patterns`.
async fn setting(patterns: &[&str], private: PrivateHosts) -> Setting {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let address = server(move |mut socket, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            read_request(&mut socket).await;
            let _ = socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            drain(&mut socket).await;
        }
    })
    .await;
    let names = Names::new(&[
        ("inside.example.test", &["127.0.0.1"]),
        ("mapped.example.test", &["::ffff:127.0.0.1"]),
        ("mixed.example.test", &["203.0.113.1", "10.0.0.1"]),
        ("metadata.example.test", &["169.254.169.254"]),
    ]);
    let told = Arc::new(Told::default());
    let policy = HostPolicy {
        patterns: HostPatterns::new(patterns).unwrap(),
        private,
    };
    let (settings, identity) = (Settings::default(), TlsIdentity::default());
    let (resolver, observer) = (Arc::clone(&names), Arc::clone(&told));
    let client = Client::with(settings, &identity, policy, resolver, observer).unwrap();
    Setting {
        client,
        names,
        told,
        connections,
        address,
    }
}

impl Setting {
    fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/", self.address.port())
    }

    async fn is_denied(&self, host: &str) {
        let error = failure(&self.client, get(self.url(host)), Kind::HostDenied).await;
        assert!(error.never_sent());
        assert_eq!(self.connections.load(Ordering::Relaxed), 0, "{host}");
    }
}

#[tokio::test]
async fn a_wildcard_leads_to_no_private_address() {
    let setting = setting(&["*.example.test"], PrivateHosts::Deny).await;
    for name in ["inside", "mapped", "mixed", "metadata"] {
        setting.is_denied(&format!("{name}.example.test")).await;
    }
    assert_eq!(setting.told.all(), ["denied"; 4]);
}

#[tokio::test]
async fn a_wildcard_for_everything_allows_no_private_literal() {
    let setting = setting(&["*"], PrivateHosts::Deny).await;
    for host in [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.1",
        "169.254.169.254",
        "0.0.0.0",
    ] {
        setting.is_denied(host).await;
    }
    assert_eq!(setting.names.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_no_pattern_names_is_not_even_looked_up() {
    let setting = setting(&["*.example.test", "10.0.0.1"], PrivateHosts::Allow).await;
    for host in [
        "example.test",
        "inside.example.test.evil",
        "10.0.0.2",
        "127.0.0.1",
    ] {
        setting.is_denied(host).await;
    }
    assert_eq!(setting.names.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_host_named_in_full_may_be_private() {
    let patterns = ["inside.example.test", "127.0.0.1", "*.example.test"];
    let setting = setting(&patterns, PrivateHosts::Deny).await;
    for host in ["inside.example.test", "127.0.0.1"] {
        let response = send(&setting.client, get(setting.url(host))).await.unwrap();
        assert_eq!(response.status(), 204);
    }
    assert_eq!(setting.told.all(), ["ok", "ok"]);
}

#[tokio::test]
async fn private_hosts_can_be_allowed() {
    let setting = setting(&["*"], PrivateHosts::Allow).await;
    let url = setting.url("inside.example.test");
    assert_eq!(send(&setting.client, get(url)).await.unwrap().status(), 204);
    // Each connection was made with one look at the name: what was checked is what was used.
    assert_eq!(setting.names.asked.load(Ordering::Relaxed), 1);
    assert_eq!(setting.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn each_failure_to_connect_is_told() {
    let setting = setting(&["*"], PrivateHosts::Allow).await;
    let closed = format!("http://{}/", refused());
    failure(&setting.client, get(closed), Kind::Connect).await;
    failure(&setting.client, get("http://unknown.test/"), Kind::Name).await;
    let hanging_up = server(|socket, _| async move { drop(socket) }).await;
    let url = format!("https://{hanging_up}/");
    failure(&setting.client, get(url), Kind::Tls).await;
    assert_eq!(setting.told.all(), ["connect", "name", "tls"]);
}
