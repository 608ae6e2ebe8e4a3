//! Two handles on one SQLite file, as two processes would have them: an account is put, leased, renewed;
//! the other side notices; a wrong key is refused.

use std::error::Error;
use std::time::{Duration, SystemTime};

use leeward_auth_refresh::{AccountId, Acquired, CredentialStore, Record, Renewed};
use leeward_storage::{Filter, Keys, Origin, Store};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Tokens {
    access: String,
    refresh: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let url = format!("sqlite://{}", directory.path().join("leeward.db").display());

    // No key was given: one is made beside the database.
    let key_file = Store::key_file(&url)?.ok_or("a file's key lies beside it")?;
    let loaded = Keys::load_or_create(&key_file)?;
    println!(
        "key {:?}, made just now: {}",
        loaded.keys.ids(),
        loaded.created
    );

    let ours = Store::open(&url, loaded.keys.clone()).await?;
    let theirs = Store::open(&url, loaded.keys).await?;
    let seen = theirs.position().await?;

    let now = SystemTime::now();
    let account = AccountId::from("acme");
    let tokens = Tokens {
        access: "access-1".into(),
        refresh: "refresh-1".into(),
    };
    let mut record = Record::new(account.clone(), "crm", tokens, now);
    record.renewable = true;
    record.expires_at = Some(now + Duration::from_secs(60));
    record.refresh_at = Some(now);
    ours.insert(&record, Origin::Api).await?;

    for change in theirs.changes_since(seen, 100).await?.changes {
        println!(
            "the other side sees: {} is at version {}",
            change.account, change.version
        );
    }

    // One of them renews; the other is told to wait.
    let minute = Duration::from_secs(60);
    let store: &dyn CredentialStore<Tokens> = &ours;
    let Acquired::Leased(lease, record) = store
        .acquire(&account, 1, "ours", now, now + minute, minute)
        .await?
    else {
        return Err("nobody else is here".into());
    };
    let answer: Acquired<Tokens> = theirs
        .acquire(&account, 1, "theirs", now, now + minute, minute)
        .await?;
    println!(
        "a second lease is {}",
        if matches!(answer, Acquired::Held { .. }) {
            "held off"
        } else {
            "given"
        }
    );

    let renewed = Renewed {
        credential: Tokens {
            access: "access-2".into(),
            refresh: record.credential.refresh,
        },
        expires_at: Some(now + Duration::from_secs(3600)),
        refresh_at: Some(now + Duration::from_secs(3400)),
        refresh_expires_at: None,
        refreshed_at: now,
    };
    store.commit(&lease, renewed).await?;
    let found: Option<Record<Tokens>> = theirs.load(&account).await?;
    let found = found.ok_or("it was just put")?;
    println!(
        "the other side has {} at version {}",
        found.credential.access, found.version
    );

    for row in theirs
        .list_rows(&Filter::default(), None, 100)
        .await?
        .accounts
    {
        println!("a row without its secret: {:?}", row.record);
    }

    match Store::open(&url, Keys::generate()?).await {
        Ok(_) => println!("any key opens it"),
        Err(fault) => println!("with another key: {fault}"),
    }
    ours.close().await;
    theirs.close().await;
    Ok(())
}
