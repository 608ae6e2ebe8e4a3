//! Real processes that share a store: this test binary, started again as a child.

use std::process::Stdio;

use leeward_auth_refresh::{AccountId, Acquired, CredentialStore as _, Renewed};
use leeward_storage::{Keys, Store};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::place::{KEY, Place, Secret, acquire, at, load, put};

const WORK: &str = "LEEWARD_TEST_WORK";
const URL: &str = "LEEWARD_TEST_URL";
const ACCOUNTS: u32 = 20;
const MARK: &str = "child: ";

/// What a child does; in an ordinary run nothing.
#[tokio::test]
async fn child() {
    let (Ok(work), Ok(url)) = (std::env::var(WORK), std::env::var(URL)) else {
        return;
    };
    let store = Store::open(&url, Keys::parse([KEY]).unwrap())
        .await
        .unwrap();
    match work.as_str() {
        "lease" => lease_all(&store).await,
        "write" => write_for_ever(&store).await,
        other => panic!("{other}"),
    }
    store.close().await;
}

fn start(place: &Place, work: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::child", "--nocapture"])
        .env(WORK, work)
        .env(URL, &place.url)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    while let Some(line) = lines.next_line().await.unwrap() {
        // The harness may have begun a line of its own.
        if let Some((_, said)) = line.split_once(MARK) {
            return Some(said.to_owned());
        }
    }
    None
}

async fn lease_all(store: &Store) {
    let owner = std::process::id().to_string();
    for number in 0..ACCOUNTS {
        let account = AccountId::from(format!("a{number}"));
        let Acquired::Leased(lease, _) = acquire(store, &account, 1, &owner, 0).await else {
            continue;
        };
        let renewed = Renewed {
            credential: Secret {
                access: owner.clone(),
                refresh: String::new(),
            },
            expires_at: None,
            refresh_at: None,
            refresh_expires_at: None,
            refreshed_at: at(1),
        };
        assert!(store.commit(&lease, renewed).await.unwrap().is_some());
        println!("{MARK}{account}");
    }
}

pub(crate) async fn eight_processes_share_the_accounts(place: Place) {
    let store = place.open().await;
    for number in 0..ACCOUNTS {
        put(&store, &format!("a{number}")).await;
    }
    let mut children: Vec<_> = (0..8).map(|_| start(&place, "lease")).collect();
    let mut bought = std::collections::BTreeMap::new();
    for (child, lines) in &mut children {
        while let Some(account) = next(lines).await {
            let before = bought.insert(account, child.id());
            assert_eq!(before, None, "bought twice");
        }
        assert!(child.wait().await.unwrap().success());
    }
    assert_eq!(bought.len(), usize::try_from(ACCOUNTS).unwrap());
    for account in bought.keys() {
        assert_eq!(load(&store, &account.as_str().into()).await.version, 2);
    }
}

async fn write_for_ever(store: &Store) {
    let account = AccountId::from("acme");
    let mut version = load(store, &account).await.version;
    loop {
        let Acquired::Leased(lease, _) = acquire(store, &account, version, "child", 0).await else {
            panic!("not leased")
        };
        let renewed = Renewed {
            credential: Secret::numbered(version + 1),
            expires_at: None,
            refresh_at: None,
            refresh_expires_at: None,
            refreshed_at: at(1),
        };
        version = store
            .commit(&lease, renewed)
            .await
            .unwrap()
            .unwrap()
            .version;
        println!("{MARK}{version}");
    }
}

/// `kill -9` in the middle of writing: what was said to be committed is there, whole.
pub(crate) async fn killed_while_writing(place: Place) {
    let store = place.open().await;
    let account = put(&store, "acme").await;
    let mut said = 1;
    for round in 1..=3_u64 {
        let (mut child, mut lines) = start(&place, "write");
        for _ in 0..5 * round {
            said = next(&mut lines).await.unwrap().parse().unwrap();
        }
        child.start_kill().unwrap();
        child.wait().await.unwrap();
        while let Some(line) = next(&mut lines).await {
            said = line.parse().unwrap();
        }
        // It may have committed once more than it could say.
        let found = load(&place.open().await, &account).await;
        assert!(
            [said, said + 1].contains(&found.version),
            "{said} {}",
            found.version
        );
        assert_eq!(found.credential, Secret::numbered(found.version));
        if let Some(left) = found.lease {
            // It died holding the lease, which is over after its time.
            let late = 60 + i64::try_from(round).unwrap();
            let taken = acquire(&store, &account, found.version, "next", late).await;
            assert!(matches!(taken, Acquired::Leased(ref lease, _) if lease.fence > left.fence));
            let back = leeward_auth_refresh::Outcome {
                status: None,
                refresh_at: None,
                retry_at: None,
                failures: 0,
                sent_at: None,
                at: at(late),
            };
            if let Acquired::Leased(lease, _) = taken {
                let store: &dyn leeward_auth_refresh::CredentialStore<Secret> = &store;
                assert!(store.give_back(&lease, back).await.unwrap().is_some());
            }
        }
    }
}
