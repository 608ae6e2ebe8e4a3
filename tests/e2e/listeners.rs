//! Where Leeward listens: TCP, Unix sockets, lists of them, and who may come in.

use std::os::unix::fs::PermissionsExt;

use http::Method;
use leeward_vendors::Call;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::harness::{Files, Socket, json, vendor};

/// Asks over a Unix socket, and takes all that comes.
async fn over_unix(path: &std::path::Path, request: &str) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn unix_sockets_and_lists() {
    let vendor = vendor(|_: &Call| json(200, json!({"here": true}))).await;
    let files = Files::new().provider(
        "open",
        &format!("base_url: {}\nauth: {{type: none}}", vendor.url()),
    );
    let dir = files.dir().to_owned();
    let (egress, admin) = (dir.join("egress.sock"), dir.join("admin.sock"));
    // What a killed process left behind is no hindrance.
    drop(std::os::unix::net::UnixListener::bind(&egress).unwrap());
    let leeward = files
        .argument("--set")
        .argument(&format!(
            "listen.egress=['127.0.0.1:0', '127.0.0.1:0', 'unix:{}']",
            egress.display()
        ))
        .argument("--set")
        .argument(&format!("listen.admin=unix:{}", admin.display()))
        .start()
        .await;
    let first: Value = serde_json::from_str(&leeward.log()[0]).unwrap();
    assert_eq!(first["message"], "listening");
    let addresses = first["egress"].as_array().unwrap();
    assert_eq!(addresses[2], format!("unix:{}", egress.display()));
    assert_eq!(first["admin"], format!("unix:{}", admin.display()));
    for address in &addresses[..2] {
        let mut socket = Socket::connect(address.as_str().unwrap()).await;
        socket.write(get("/proxy/open/x")).await;
        assert!(socket.head().await.starts_with("HTTP/1.1 200 "));
    }
    let answer = over_unix(&egress, &get("/proxy/open/x")).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(r#"{"here":true}"#),
        "{answer}"
    );
    // Who has passed the mode of the admin socket's file needs no token.
    let mode = std::fs::metadata(&admin).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o660);
    let body = r#"{"provider":"open","credentials":{}}"#;
    let put = format!(
        "PUT /accounts/it HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = over_unix(&admin, &put).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

#[tokio::test]
async fn a_socket_in_use_is_not_taken_and_goes_with_its_process() {
    let files = Files::new();
    let path = files.dir().join("egress.sock");
    let set = format!("listen.egress=unix:{}", path.display());
    let mut one = files
        .argument("--set")
        .argument(&set)
        .process("drain_quiet: 10ms")
        .start()
        .await;
    let other = Files::new();
    let dir = other.dir().to_owned();
    let ended =
        crate::harness::started(&["run", "--config", dir.to_str().unwrap(), "--set", &set]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(ended.err.contains("egress.sock"), "{}", ended.err);
    // Nor is a file that is no socket.
    let set = format!("listen.egress=unix:{}", dir.join("leeward.yaml").display());
    let ended =
        crate::harness::started(&["run", "--config", dir.to_str().unwrap(), "--set", &set]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(dir.join("leeward.yaml").exists());
    assert!(
        over_unix(&path, &get("/nothing"))
            .await
            .starts_with("HTTP/1.1 404 ")
    );
    one.signal("TERM");
    assert_eq!(one.ended().await.code(), Some(0));
    assert!(!path.exists());
}

#[tokio::test]
async fn changes_need_the_token_of_the_admin_listener() {
    let leeward = Files::new()
        .provider("open", "base_url: http://127.0.0.1:9\nauth: {type: none}")
        .start()
        .await;
    let bare = |method: &str, path: &str, token: &str| {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{token}Content-Length: 0\r\n\r\n"
        );
        let admin = leeward.admin.clone();
        async move {
            let mut socket = Socket::connect(&admin).await;
            socket.write(request).await;
            socket.answer().await.0
        }
    };
    for token in [
        "",
        "Authorization: Bearer wrong\r\n",
        "Authorization: Basic dGVzdC1hZG1pbi10b2tlbg==\r\n",
        "Authorization: test-admin-token\r\n",
        "Leeward-Token: test-admin-token\r\n",
    ] {
        for (method, path) in [
            ("GET", "/accounts"),
            ("GET", "/config"),
            ("PUT", "/accounts/x"),
            ("POST", "/drain"),
            ("POST", "/reload"),
            ("GET", "/nothing"),
        ] {
            let head = bare(method, path, token).await;
            assert!(
                head.starts_with("HTTP/1.1 401 ") && head.contains("www-authenticate: Bearer"),
                "{head}"
            );
        }
    }
    assert_eq!(
        leeward.admin(Method::GET, "/accounts", None).await.status,
        200
    );
    // The telemetry listener is read-only and open; the others are not reached through it.
    for path in ["/accounts", "/config", "/drain", "/proxy/open/x"] {
        assert_eq!(leeward.telemetry(path).await.status, 404);
    }
    assert_eq!(leeward.telemetry("/livez").await.text(), "ok\n");
}

#[tokio::test]
async fn without_an_admin_token_changes_are_taken_on_a_unix_socket_alone() {
    let files = Files::new();
    let path = files.dir().join("admin.sock");
    let leeward = files
        .argument("--set")
        .argument("admin_token=null")
        .argument("--set")
        .argument(&format!(
            "listen.admin=['127.0.0.1:0', 'unix:{}']",
            path.display()
        ))
        .start()
        .await;
    for (method, status) in [
        ("GET", "200"),
        ("DELETE", "401"),
        ("PUT", "401"),
        ("POST", "401"),
    ] {
        let mut socket = Socket::connect(&leeward.admin).await;
        let target = if method == "GET" {
            "/accounts"
        } else {
            "/accounts/x"
        };
        socket
            .write(format!(
                "{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
            ))
            .await;
        let (head, _) = socket.answer().await;
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{method}: {head}"
        );
    }
    let answer = over_unix(
        &path,
        "POST /reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
