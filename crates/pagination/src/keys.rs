//! The keys of cursors.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hkdf::{self, HKDF_SHA256, Salt};
use aws_lc_rs::{hmac, rand};

/// The keys that seal and open cursors: the first seals, all open. A clone shares them.
///
/// What is given is not used itself but derived from (HKDF-SHA256, RFC 5869), so that the key of a store may serve here,
/// too. `Debug` shows how many there are, and no more.
#[derive(Clone)]
pub struct CursorKeys {
    keys: Arc<[CursorKey]>,
}

/// One key: for the cipher, and for the nonces.
pub(crate) struct CursorKey {
    pub(crate) cipher: [u8; 32],
    pub(crate) nonces: hmac::Key,
}

impl CursorKeys {
    /// From the listed keys. An empty list stands for a random key that lives as long as this value: its cursors mean
    /// nothing to another process.
    #[must_use]
    pub fn new(keys: Vec<[u8; 32]>) -> Self {
        let keys = if keys.is_empty() {
            let mut own = [0; 32];
            // Without random bytes there is no key, and sealing says so.
            rand::fill(&mut own).map_or_else(|_| Vec::new(), |()| vec![own])
        } else {
            keys
        };
        Self {
            keys: keys.iter().filter_map(CursorKey::derived).collect(),
        }
    }

    pub(crate) fn first(&self) -> Option<&CursorKey> {
        self.keys.first()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &CursorKey> {
        self.keys.iter()
    }
}

impl fmt::Debug for CursorKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CursorKeys")
            .field("count", &self.keys.len())
            .finish_non_exhaustive()
    }
}

impl CursorKey {
    fn derived(key: &[u8; 32]) -> Option<Self> {
        let root = Salt::new(HKDF_SHA256, b"leeward pagination cursor v1").extract(key);
        let cipher = expand(&root, b"cipher")?;
        let nonces = expand(&root, b"nonces")?;
        Some(Self {
            cipher,
            nonces: hmac::Key::new(hmac::HMAC_SHA256, &nonces),
        })
    }
}

struct Length;

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

fn expand(root: &hkdf::Prk, purpose: &[u8]) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    root.expand(&[purpose], Length).ok()?.fill(&mut out).ok()?;
    Some(out)
}
