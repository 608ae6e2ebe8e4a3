//! The suite over SQLite files, and what only files can do.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use leeward_storage::{Filter, Keys, OpenError, Origin, Settings, StorageError, Store};
use sqlx::Connection as _;

use crate::place::{KEY, Place, Secret, load, put, record};

fn keys() -> Keys {
    Keys::parse([KEY]).unwrap()
}

fn url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

macro_rules! tests {
    ($($module:ident::$check:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                let dir = tempfile::tempdir().unwrap();
                let url = url(&dir.path().join("leeward.db"));
                crate::$module::$check(Place { url, files: dir.path().to_owned() }).await;
            }
        )*
    };
}
crate::for_each_check!(tests);

#[tokio::test]
async fn in_memory() {
    let settings = Settings::default().busy(Duration::from_millis(100));
    let store = Store::open_with("sqlite::memory:", keys(), settings)
        .await
        .unwrap();
    let account = put(&store, "acme").await;
    // A transaction that fails takes its connection with it, but not the database.
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { put(&store, &format!("a{number}")).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(load(&store, &account).await.credential, Secret::numbered(0));
    let other = Store::open("sqlite::memory:", keys()).await.unwrap();
    assert!(
        other.get_row(&account).await.unwrap().is_none(),
        "each is a database of its own"
    );
}

#[tokio::test]
async fn a_dropped_call_leaves_nothing_half_done() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&url(&dir.path().join("leeward.db")), keys())
        .await
        .unwrap();
    for number in 0..20 {
        let account = record(&format!("a{number}"));
        let call = store.insert(&account, Origin::Api);
        let patience = Duration::from_micros(number * 100);
        let _ = tokio::time::timeout(patience, call).await;
    }
    // The one writer is free again, and what was counted is there.
    put(&store, "last").await;
    let rows = store
        .list_rows(&Filter::default(), None, 100)
        .await
        .unwrap()
        .accounts
        .len();
    assert_eq!(
        store.position().await.unwrap(),
        u64::try_from(rows).unwrap()
    );
}

#[tokio::test]
async fn a_missing_directory() {
    let dir = tempfile::tempdir().unwrap();
    let fault = Store::open(&url(&dir.path().join("none/leeward.db")), keys())
        .await
        .unwrap_err();
    let text = fault.to_string();
    assert!(matches!(fault, OpenError::Directory { .. }), "{text}");
    assert!(
        text.contains("none") && text.contains("create it"),
        "{text}"
    );
    assert!(!fault.is_transient());
    // A file where the directory should be.
    fs::write(dir.path().join("none"), "").unwrap();
    let fault = Store::open(&url(&dir.path().join("none/leeward.db")), keys())
        .await
        .unwrap_err();
    assert!(matches!(fault, OpenError::Directory { .. }), "{fault}");
}

#[tokio::test]
async fn rubbish() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("leeward.db");
    fs::write(
        &path,
        "this is no database, but it is long enough to be looked at".repeat(100),
    )
    .unwrap();
    let fault = Store::open(&url(&path), keys()).await.unwrap_err();
    assert!(matches!(fault, OpenError::NotADatabase { .. }), "{fault}");
    assert!(fault.to_string().contains("move it away"), "{fault}");
    assert!(!fault.to_string().contains('\n'), "{fault}");
    // A directory of that name.
    let fault = Store::open(&url(dir.path()), keys()).await.unwrap_err();
    assert!(matches!(fault, OpenError::NotWritable { .. }), "{fault}");
}

#[tokio::test]
async fn a_file_that_another_program_holds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("leeward.db");
    let short = Settings::default()
        .busy(Duration::from_millis(50))
        .acquire(Duration::from_millis(50));
    let store = Store::open_with(&url(&path), keys(), short.clone())
        .await
        .unwrap();
    let account = put(&store, "acme").await;
    let mut other = sqlx::SqliteConnection::connect(&url(&path)).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();

    let fault = Store::open_with(&url(&path), keys(), short)
        .await
        .unwrap_err();
    assert!(matches!(fault, OpenError::Locked { .. }), "{fault}");
    assert!(fault.is_transient());
    // Who has it open can read meanwhile; a write is an error, and works again later.
    assert_eq!(load(&store, &account).await.version, 1);
    let fault = store
        .insert(&record("second"), Origin::Api)
        .await
        .unwrap_err();
    assert!(fault.to_string().contains("locked"), "{fault}");
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    put(&store, "second").await;
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("leeward.db");
    let key_file = Store::key_file(&url(&path)).unwrap().unwrap();
    let made = Keys::load_or_create(&key_file).unwrap();
    assert!(made.created);
    let store = Store::open(&url(&path), made.keys).await.unwrap();
    put(&store, "acme").await;
    let mut names = Vec::new();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{entry:?}"
        );
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "leeward.db",
            "leeward.db-shm",
            "leeward.db-wal",
            "leeward.db.key"
        ]
    );
    store.close().await;
    // The next start finds the key and the accounts.
    let again = Keys::load_or_create(&key_file).unwrap();
    assert!(!again.created);
    let store = Store::open(&url(&path), again.keys).await.unwrap();
    assert_eq!(load(&store, &"acme".into()).await.version, 1);
}

/// A disk that is really full, where the tests may mount one; the same on a limited file is beside the code.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk() {
    struct Mounted<'a>(&'a Path);
    impl Drop for Mounted<'_> {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("-l").arg(self.0).status();
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"])
        .arg(dir.path())
        .stderr(std::process::Stdio::null())
        .status();
    if !mount.is_ok_and(|status| status.success()) {
        eprintln!("skipped: a full disk (no right to mount a tmpfs)");
        return;
    }
    let mounted = Mounted(dir.path());
    let store = Store::open(&url(&dir.path().join("leeward.db")), keys())
        .await
        .unwrap();
    let mut big = record("acme");
    big.credential.access = "x".repeat(20_000);
    let mut written = 0;
    let fault = loop {
        big.account = format!("a{written}").into();
        match store.insert(&big, Origin::Api).await {
            Ok(_) => written += 1,
            Err(fault) => break fault,
        }
        assert!(written < 1000, "the disk is never full");
    };
    assert!(matches!(fault, StorageError::Full), "{fault}");
    assert!(!fault.is_away());
    // Nothing that was acknowledged is lost, and reading goes on.
    let rows = store
        .list_rows(&Filter::default(), None, 1000)
        .await
        .unwrap();
    assert_eq!(rows.accounts.len(), written);
    store.insert(&big, Origin::Api).await.unwrap_err();

    // With room again, so does writing.
    let grown = Command::new("mount")
        .args(["-o", "remount,size=8m"])
        .arg(dir.path())
        .status();
    assert!(grown.unwrap().success());
    assert!(store.insert(&big, Origin::Api).await.unwrap().is_some());
    store.close().await;
    drop(mounted);
}
