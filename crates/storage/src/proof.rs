//! The proof that a list of keys is the store's: a known text, sealed with each key in use.
//!
//! Every process that opens the store opens all of these. So a key that is missing is noticed at the
//! start, not when some account needs it a week later.

use crate::backend::{Backend, Transaction};
use crate::envelope::{self, EnvelopeError, Place};
use crate::error::{OpenError, StorageError};
use crate::keys::{KeyId, Keys};

/// As the associated data names it. Part of the format: never changed.
const TABLE: &str = "leeward_keys";
const TEXT: &[u8] = b"leeward";

pub(crate) async fn check(backend: &Backend, keys: &Keys) -> Result<(), OpenError> {
    let Some(first) = keys.first().map(|key| key.id()) else {
        return Ok(());
    };
    let found = backend.repeating(|| look(backend)).await?;
    if prove_all(keys, &found, first)? {
        return Ok(());
    }
    backend.repeating(|| add(backend, keys, first)).await?
}

type Proofs = Vec<(String, Vec<u8>)>;

async fn look(backend: &Backend) -> Result<Proofs, StorageError> {
    let mut transaction = backend.read().await?;
    let found = proofs(&mut transaction).await?;
    transaction.commit().await?;
    Ok(found)
}

async fn proofs(transaction: &mut Transaction) -> Result<Proofs, StorageError> {
    let rows = transaction
        .rows("SELECT key_id, sealed FROM leeward_keys", &[])
        .await?;
    rows.iter()
        .map(|row| Ok((row.get("key_id")?, row.get("sealed")?)))
        .collect()
}

/// Whether the first key has its proof; all others are proved, too.
fn prove_all(keys: &Keys, proofs: &Proofs, first: KeyId) -> Result<bool, OpenError> {
    let first = first.to_string();
    let mut known = false;
    for (name, sealed) in proofs {
        prove(keys, name, sealed)?;
        known |= *name == first;
    }
    Ok(known)
}

fn prove(keys: &Keys, name: &str, sealed: &[u8]) -> Result<(), OpenError> {
    let tampered = |key| OpenError::Tampered { key };
    match envelope::open(
        keys,
        Place {
            table: TABLE,
            id: name,
        },
        sealed,
    ) {
        Ok(text) if text.as_slice() == TEXT => Ok(()),
        Err(EnvelopeError::UnknownKey(missing)) => Err(OpenError::WrongKey {
            missing,
            given: keys.ids(),
        }),
        _ => Err(tampered(
            envelope::key_id(sealed).unwrap_or(KeyId::from_bytes([0; 8])),
        )),
    }
}

/// Adds the proof of the first key. Two processes that begin a store at the same moment with different
/// keys must not both succeed: they come one after the other here, and the second proves the first's.
async fn add(
    backend: &Backend,
    keys: &Keys,
    first: KeyId,
) -> Result<Result<(), OpenError>, StorageError> {
    let name = first.to_string();
    let sealed = envelope::seal(
        keys,
        Place {
            table: TABLE,
            id: &name,
        },
        TEXT,
    )
    .map_err(|error| StorageError::sealed("(proof)", &error))?;
    let mut transaction = backend.write().await?;
    transaction
        .execute("UPDATE leeward_changes SET head = head WHERE id = 1", &[])
        .await?;
    let found = proofs(&mut transaction).await?;
    match prove_all(keys, &found, first) {
        Ok(true) => {}
        Ok(false) => {
            transaction
                .execute(
                    "INSERT INTO leeward_keys (key_id, sealed) VALUES ($1, $2)",
                    &[name.as_str().into(), sealed.as_slice().into()],
                )
                .await?;
        }
        Err(error) => {
            transaction.rollback().await?;
            return Ok(Err(error));
        }
    }
    transaction.commit().await?;
    Ok(Ok(()))
}

/// Takes away the proofs of keys under which nothing lies any more, but for that of the key in use.
pub(crate) async fn forget_unused(
    transaction: &mut Transaction,
    in_use: KeyId,
) -> Result<(), StorageError> {
    transaction
        .execute(
            "DELETE FROM leeward_keys WHERE key_id <> $1 AND NOT EXISTS \
             (SELECT 1 FROM leeward_accounts WHERE leeward_accounts.key_id = leeward_keys.key_id)",
            &[in_use.to_string().as_str().into()],
        )
        .await?;
    Ok(())
}
