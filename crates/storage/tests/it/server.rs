//! The suite over PostgreSQL, and what only a server can do. One test, since each test is a process of its
//! own under nextest, and would start a server of its own.

use std::time::{Duration, Instant};

use leeward_storage::{Keys, OpenError, Origin, Settings, Store};
use sqlx::postgres::PgConnectOptions;

use crate::place::{KEY, Place, load, put, record};
use crate::pooler::Pooler;
use crate::postgres::Server;

fn keys() -> Keys {
    Keys::parse([KEY]).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    let server = match Server::start() {
        Ok(server) => server,
        Err(why) => {
            let set = |name| {
                std::env::var(name).is_ok_and(|value| !matches!(&*value, "" | "0" | "false"))
            };
            assert!(
                !set("CI") && !set("LEEWARD_REQUIRE_POSTGRES"),
                "no PostgreSQL to test with: {why}"
            );
            eprintln!("skipped: every check over PostgreSQL ({why})");
            return;
        }
    };
    macro_rules! run {
        ($($module:ident::$check:ident,)*) => {
            $(
                let name = concat!(stringify!($module), "_", stringify!($check));
                timed(name, crate::$module::$check(server.place(name).await)).await;
            )*
        };
    }
    crate::for_each_check!(run);
    timed("behind_a_pooler", behind_a_pooler(&server)).await;
    timed("by_a_socket", by_a_socket(&server)).await;
    timed(
        "nothing_stays_on_the_server",
        nothing_stays_on_the_server(&server),
    )
    .await;
    timed("refusals", refusals(&server)).await;
    timed("away_and_back", away_and_back(&server)).await;
}

async fn timed(name: &str, check: impl Future<Output = ()>) {
    let began = Instant::now();
    check.await;
    eprintln!("postgres: {name} {:?}", began.elapsed());
}

/// A pooler in transaction mode, as unkind as one can be: each transaction goes to another server
/// connection than the one before, and what a session was told before is forgotten by the next.
async fn behind_a_pooler(server: &Server) {
    let place = server.place("pooled").await;
    let pooler = Pooler::start(server.port).await;
    let pooled = Place {
        url: format!(
            "postgres://leeward@127.0.0.1:{}/pooled?sslmode=disable",
            pooler.port
        ),
        ..place.clone()
    };
    // It hurts whoever prepares outside a transaction.
    let options: PgConnectOptions = pooled.url.parse().unwrap();
    let plain = sqlx::PgPool::connect_lazy_with(options.extra_float_digits(None));
    sqlx::query("SELECT $1 + 1")
        .bind(1_i64)
        .fetch_one(&plain)
        .await
        .unwrap_err();

    crate::open::eight_at_once(pooled.clone()).await;
    place
        .sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        .await;
    crate::leases::one_of_eight_wins(pooled.clone()).await;
    place
        .sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        .await;
    crate::changes::none_is_missed_among_writers(pooled).await;
    assert!(pooler.switched() > 100, "it never changed the connection");
}

async fn by_a_socket(server: &Server) {
    server.place("by_socket").await;
    let store = Store::open(&server.socket_url("by_socket"), keys())
        .await
        .unwrap();
    put(&store, "acme").await;
}

async fn nothing_stays_on_the_server(server: &Server) {
    let place = server.place("traces").await;
    let store = Store::open_with(&place.url, keys(), Settings::default().connections(1))
        .await
        .unwrap();
    put(&store, "acme").await;
    let pool = sqlx::PgPool::connect(&place.url).await.unwrap();
    let locks: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(locks, 0);
    let open: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = 'traces' AND state LIKE 'idle in transaction%'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(open, 0);
}

async fn refusals(server: &Server) {
    let fault = Store::open(&server.url("no_such_database"), keys())
        .await
        .unwrap_err();
    let text = fault.to_string();
    assert!(
        matches!(fault, OpenError::Server { .. }) && !fault.is_transient(),
        "{text}"
    );
    assert!(
        text.contains("no_such_database") && !text.contains('\n'),
        "{text}"
    );

    let nobody = "postgres://ann:hunter2@127.0.0.1:1/x";
    let fault = Store::open(nobody, keys()).await.unwrap_err();
    assert!(fault.is_transient(), "{fault}");
    assert!(fault.to_string().contains("127.0.0.1:1/x"), "{fault}");
    assert!(!format!("{fault} {fault:?}").contains("hunter2"), "{fault}");

    // One that takes the connection and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://ann:hunter2@{}/x", silent.local_addr().unwrap());
    let short = Settings::default().acquire(Duration::from_millis(50));
    let fault = Store::open_with(&url, keys(), short).await.unwrap_err();
    assert!(
        matches!(fault, OpenError::ServerSilent { .. }) && fault.is_transient(),
        "{fault}"
    );
}

/// Last, since it stops the server.
async fn away_and_back(server: &Server) {
    let place = server.place("away").await;
    let short = Settings::default().acquire(Duration::from_millis(300));
    let store = Store::open_with(&place.url, keys(), short).await.unwrap();
    let account = put(&store, "acme").await;
    server.stop();
    for _ in 0..3 {
        assert!(store.ping().await.unwrap_err().is_away());
        assert!(
            store
                .insert(&record("second"), Origin::Api)
                .await
                .unwrap_err()
                .is_away()
        );
    }
    server.boot().unwrap();
    assert_eq!(load(&store, &account).await.version, 1);
    put(&store, "second").await;
    store.ping().await.unwrap();
}
