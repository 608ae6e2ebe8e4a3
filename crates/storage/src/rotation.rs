//! Moving what lies under older keys to the first.

use crate::account::{open_bytes, seal_bytes};
use crate::backend::Value;
use crate::error::StorageError;
use crate::proof;
use crate::store::Store;

/// Rows of one transaction.
const BATCH: i64 = 200;

/// What [`Store::reseal`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resealed {
    /// How many credentials lie under the first key now that lay under another before.
    pub moved: u64,
    /// How many do not open, and stayed as they were; their key must stay in the list.
    pub left: u64,
}

impl Store {
    /// Seals with the first key what an older one sealed, in short transactions, beside the store's
    /// other work. Once it has run with nothing left, the older keys may go from the list.
    ///
    /// To rotate: add the new key to the *end* of the list in every process, then move it to the front in
    /// every process, then call this, then take the old one away. Neither versions nor positions change.
    ///
    /// # Errors
    /// [`StorageError`] if the database fails; what was moved before stays moved.
    pub async fn reseal(&self) -> Result<Resealed, StorageError> {
        let mut total = Resealed::default();
        let Some(first) = self.keys.first().map(|key| key.id()) else {
            return Ok(total);
        };
        let name = first.to_string();
        let mut after = None;
        loop {
            let batch = self
                .backend
                .repeating(|| self.reseal_batch(&name, after.as_deref()))
                .await?;
            total.moved += batch.done.moved;
            total.left += batch.done.left;
            match batch.last {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        self.backend
            .repeating(|| self.forget_unused_keys(first))
            .await?;
        Ok(total)
    }

    async fn reseal_batch(&self, first: &str, after: Option<&str>) -> Result<Batch, StorageError> {
        let mut transaction = self.backend.write().await?;
        let rows = transaction
            .rows(
                "SELECT id, sealed FROM leeward_accounts \
                 WHERE key_id <> $1 AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3",
                &[first.into(), after.into(), BATCH.into()],
            )
            .await?;
        let mut batch = Batch::default();
        for row in &rows {
            let id: String = row.get("id")?;
            let old: Vec<u8> = row.get("sealed")?;
            match open_bytes(&self.keys, &id, &old) {
                Ok(plain) => {
                    let new = seal_bytes(&self.keys, &id, &plain)?;
                    let values: [Value<'_>; 4] = [
                        id.as_str().into(),
                        old.as_slice().into(),
                        new.key_id.as_str().into(),
                        new.bytes.as_slice().into(),
                    ];
                    // Only what is still as it was read: a renewal in between has sealed it anew.
                    batch.done.moved += transaction
                        .execute(
                            "UPDATE leeward_accounts SET key_id = $3, sealed = $4 \
                             WHERE id = $1 AND sealed = $2",
                            &values,
                        )
                        .await?;
                }
                Err(_) => batch.done.left += 1,
            }
            batch.last = Some(id);
        }
        transaction.commit().await?;
        Ok(batch)
    }

    async fn forget_unused_keys(&self, first: crate::keys::KeyId) -> Result<(), StorageError> {
        let mut transaction = self.backend.write().await?;
        proof::forget_unused(&mut transaction, first).await?;
        transaction.commit().await
    }
}

#[derive(Default)]
struct Batch {
    done: Resealed,
    last: Option<String>,
}
