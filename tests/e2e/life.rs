//! How a process starts, and how it ends.

use http::Method;
use leeward_vendors::Call;
use serde_json::json;
use tokio::net::TcpStream;

use crate::harness::{Files, Leeward, RawVendor, Socket, json, started, vendor};

/// 32 bytes.
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

fn open(url: &str) -> String {
    format!("base_url: {url}\nauth: {{type: none}}")
}

/// Tells it to end while a request is in flight, and sees the request through.
async fn ends_whole(told: impl AsyncFn(&Leeward)) {
    let vendor = RawVendor::start().await;
    let mut leeward = Files::new()
        .process("drain_quiet: 100ms")
        .provider("slow", &open(&vendor.url()))
        .start()
        .await;
    // One that waits for its head, and one whose body flows.
    let mut waiting = Socket::connect(&leeward.egress).await;
    waiting
        .write("GET /proxy/slow/a HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    let first = vendor.call().await;
    let mut flowing = Socket::connect(&leeward.egress).await;
    flowing
        .write("GET /proxy/slow/b HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    let mut second = vendor.call().await;
    second
        .write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        .await;
    assert!(!flowing.head().await.contains("connection: close"));
    let mut idle = Socket::connect(&leeward.egress).await;
    idle.write("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").await;
    idle.answer().await;

    assert_eq!(leeward.telemetry("/readyz").await.status, 200);
    told(&leeward).await;
    let unready = || async { leeward.telemetry("/readyz").await.status == 503 };
    leeward.until("it is no longer ready", unready).await;
    assert_eq!(leeward.telemetry("/livez").await.status, 200);
    // It still serves: on a new connection and on one that was idle, and asks to close both.
    let answer = leeward.get("/nothing").await;
    answer.problem(404, "unknown_resource");
    assert_eq!(answer.header("connection"), Some("close"));
    idle.write("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let (head, _) = idle.answer().await;
    assert!(head.contains("connection: close"), "{head}");
    assert!(idle.rest().await.is_empty());
    // What is in flight ends whole.
    second.write("5\r\nworld\r\n0\r\n\r\n").await;
    first.answer(200, &json!({"whole": true})).await;
    let (head, body) = waiting.answer().await;
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.contains("connection: close"),
        "{head}"
    );
    assert_eq!(body, br#"{"whole":true}"#);
    let rest = String::from_utf8(flowing.rest().await).unwrap();
    assert!(
        rest.contains("hello") && rest.ends_with("world\r\n0\r\n\r\n"),
        "{rest}"
    );
    let status = leeward.ended().await;
    assert_eq!(status.code(), Some(0), "{}", leeward.log().join("\n"));
}

#[tokio::test]
async fn sigterm_loses_nothing() {
    ends_whole(async |leeward: &Leeward| leeward.signal("TERM")).await;
}

#[tokio::test]
async fn sigint_loses_nothing() {
    ends_whole(async |leeward: &Leeward| leeward.signal("INT")).await;
}

#[tokio::test]
async fn drain_does_what_sigterm_does() {
    ends_whole(async |leeward: &Leeward| {
        let answer = leeward.admin(Method::POST, "/drain", None).await;
        assert_eq!(answer.status, 202);
    })
    .await;
}

#[tokio::test]
async fn a_reader_that_is_slow_at_the_end_gets_all() {
    // More than the sockets hold, and all of it has left the vendor.
    let large = "z".repeat(12 * 1024 * 1024);
    let body = large.clone();
    let vendor = vendor(move |_: &Call| {
        let mut reply = json(200, json!(null));
        if let leeward_vendors::Reply::Answer(response) = &mut reply {
            *response.body_mut() = body.clone().into();
        }
        reply
    })
    .await;
    let mut leeward = Files::new()
        .process("drain_quiet: 50ms")
        .provider("large", &open(&vendor.url()))
        .start()
        .await;
    let mut socket = Socket::connect(&leeward.egress).await;
    socket
        .write("GET /proxy/large/x HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    socket.head().await;
    leeward.signal("TERM");
    let unready = || async { leeward.telemetry("/readyz").await.status == 503 };
    leeward.until("it is no longer ready", unready).await;
    let (sent, mut read) = (large.len(), 0);
    // The last bytes wait in Leeward for a reader who takes his time.
    while read < sent {
        let more = socket.some(256 * 1024).await;
        assert!(!more.is_empty(), "it ended after {read} of {sent} bytes");
        read += more.len();
        tokio::task::yield_now().await;
    }
    assert_eq!(leeward.ended().await.code(), Some(0));
}

#[tokio::test]
async fn told_twice_it_ends_at_once() {
    let vendor = RawVendor::start().await;
    let mut leeward = Files::new()
        .process("drain_timeout: 10m\ndrain_quiet: 10m")
        .provider("slow", &open(&vendor.url()))
        .start()
        .await;
    let mut waiting = Socket::connect(&leeward.egress).await;
    waiting
        .write("GET /proxy/slow/a HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    let call = vendor.call().await;
    leeward.signal("TERM");
    let draining = || async { leeward.telemetry("/readyz").await.status == 503 };
    leeward.until("it drains", draining).await;
    leeward.signal("TERM");
    assert_eq!(leeward.ended().await.code(), Some(0));
    call.hung_up().await;
}

#[tokio::test]
async fn what_never_ends_is_cut_off_after_drain_timeout() {
    let vendor = RawVendor::start().await;
    let mut leeward = Files::new()
        .process("drain_timeout: 200ms\ndrain_quiet: 50ms")
        .provider("slow", &open(&vendor.url()))
        .start()
        .await;
    let mut waiting = Socket::connect(&leeward.egress).await;
    waiting
        .write("GET /proxy/slow/a HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    let call = vendor.call().await;
    leeward.signal("TERM");
    assert_eq!(leeward.ended().await.code(), Some(0));
    call.hung_up().await;
}

/// Starts with these files, which cannot go well: one line that says why, exit code 1.
async fn fails(files: Files, expected: &[&str]) {
    let dir = files.dir().to_owned();
    let ended = started(&["run", "--config", dir.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert_eq!(ended.out, "");
    assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
    assert!(ended.err.starts_with("leeward: "), "{}", ended.err);
    for text in expected {
        assert!(ended.err.contains(text), "no {text:?} in {}", ended.err);
    }
}

#[tokio::test]
async fn a_start_that_fails_says_why_in_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    // The port of each listener; and nothing is left behind by a start that did not come about.
    for name in ["egress", "admin", "telemetry"] {
        let files = Files::new().argument("--set");
        let dir = files.dir().to_owned();
        let set = format!("listen.{name}={address}");
        let ended = started(&["run", "--config", dir.to_str().unwrap(), "--set", &set]).await;
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
        assert!(
            ended.err.contains(&address) && ended.err.contains("listen"),
            "{}",
            ended.err
        );
        assert!(!dir.join("leeward.db").exists(), "a database was made");
    }
    fails(
        Files::new().process("listen: {}"),
        &["leeward.yaml:", "listen"],
    )
    .await;
    fails(
        Files::new().process("limits: {header_timeout: soon}"),
        &["leeward.yaml:4:", "duration"],
    )
    .await;
    fails(
        Files::new().process("drain_timeut: 1s"),
        &["leeward.yaml:4:", "drain_timeout"],
    )
    .await;
    fails(
        Files::new().process("egress_token: ${env:LEEWARD_E2E_NOT_SET}"),
        &["leeward.yaml:4:", "LEEWARD_E2E_NOT_SET"],
    )
    .await;
    fails(
        Files::new().process("encryption_key: c2hvcnQ="),
        &["leeward.yaml:4:", "key", "32 bytes"],
    )
    .await;
    fails(
        Files::new().process("encryption_key: '!!'"),
        &["leeward.yaml:4:", "key"],
    )
    .await;
    let ended = started(&["run", "--config", "/nowhere/at/all"]).await;
    assert_eq!(
        (ended.code, ended.err.lines().count()),
        (Some(1), 1),
        "{}",
        ended.err
    );
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_is_a_line_and_exit_code_1() {
    let start = |store: String| {
        async move {
            // With a key: otherwise one would be made, and be said.
            let files = Files::new().process(&format!("encryption_key: {KEY}"));
            let dir = files.dir().to_owned();
            let set = format!("store={}", store.replace("DIR", dir.to_str().unwrap()));
            started(&["run", "--config", dir.to_str().unwrap(), "--set", &set]).await
        }
    };
    for store in [
        "sqlite:///nowhere/at/all/leeward.db",
        "sqlite://DIR",
        "sqlite://DIR/leeward.yaml",
        "mysql://x/y",
        "sqlite:///dev/null/x",
    ] {
        let ended = start(store.to_owned()).await;
        assert_eq!(ended.code, Some(1), "{store}: {}", ended.err);
        assert_eq!(ended.err.lines().count(), 1, "{store}: {}", ended.err);
        let names_it =
            ended.err.contains("store") || ended.err.contains("the directory must exist");
        assert!(names_it, "{store}: {}", ended.err);
    }
}

#[tokio::test]
async fn a_wrong_key_does_not_open_the_store() {
    let files = Files::new();
    let dir = files.dir().to_owned();
    let with = |key: &str| {
        let (dir, set) = (dir.clone(), format!("encryption_key={key}"));
        async move { started(&["run", "--config", dir.to_str().unwrap(), "--set", &set]).await }
    };
    // Made by a first start with the key of the file.
    let mut first = files.start().await;
    first.signal("TERM");
    assert_eq!(first.ended().await.code(), Some(0));
    let ended = with(KEY).await;
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
    assert!(ended.err.contains("encryption_key"), "{}", ended.err);
    assert!(!ended.err.contains("MDEyMzQ1"), "{}", ended.err);
}

#[tokio::test]
async fn a_slow_head_is_closed_while_an_idle_connection_lives() {
    let vendor = vendor(|_: &Call| json(200, json!({}))).await;
    let leeward = Files::new()
        .process("limits: {header_timeout: 300ms}")
        .provider("open", &open(&vendor.url()))
        .start()
        .await;
    let request = "GET /proxy/open/x HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut idle = Socket::connect(&leeward.egress).await;
    idle.write(request).await;
    idle.answer().await;
    // Half a head; no byte at all; and half a head after a whole request.
    let mut half = Socket::connect(&leeward.egress).await;
    half.write("GET /proxy/open/x HTTP/1.1\r\nHost").await;
    let mut silent = Socket::connect(&leeward.egress).await;
    let mut second = Socket::connect(&leeward.egress).await;
    second.write(request).await;
    second.answer().await;
    second.write("GET /proxy").await;
    // A byte now and then does not help.
    let (mut trickle, egress) = (
        Socket::connect(&leeward.egress).await,
        leeward.egress.clone(),
    );
    let trickling = tokio::spawn(async move {
        let text = format!(
            "GET /proxy/open/x HTTP/1.1\r\nHost: {egress}\r\nX: {}",
            "y".repeat(10_000)
        );
        for byte in text.bytes() {
            if trickle.try_write(&[byte]).await.is_err() {
                return true;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        false
    });
    for socket in [&mut half, &mut silent, &mut second] {
        assert!(socket.rest().await.is_empty());
    }
    assert!(trickling.await.unwrap(), "the trickle was never cut off");
    idle.write(request).await;
    let (head, _) = idle.answer().await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let counted = leeward
        .metric("leeward_listener_refused_total{listener=\"egress\",reason=\"timeout\"}")
        .await;
    assert!(counted >= 3.0, "{counted}");
}

#[tokio::test]
async fn no_more_connections_than_allowed() {
    let leeward = Files::new()
        .process("limits: {max_connections: 2}")
        .start()
        .await;
    let first = TcpStream::connect(&leeward.egress).await.unwrap();
    let mut second = Socket::connect(&leeward.egress).await;
    second.write("GET /x HTTP/1.1\r\nHost: x\r\n\r\n").await;
    second.answer().await;
    let mut third = Socket::connect(&leeward.egress).await;
    assert!(third.rest().await.is_empty());
    let series = "leeward_listener_refused_total{listener=\"egress\",reason=\"max_connections\"}";
    assert_eq!(leeward.metric(series).await, 1.0);
    // Each listener has its own.
    assert_eq!(leeward.telemetry("/livez").await.status, 200);
    drop(first);
    let room = || async {
        let mut socket = Socket::connect(&leeward.egress).await;
        socket
            .offer("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await;
        socket.head().await.starts_with("HTTP/1.1 404 ")
    };
    leeward.until("there is room again", room).await;
}
