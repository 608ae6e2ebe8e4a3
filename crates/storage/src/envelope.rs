//! How a secret lies in the database.
//!
//! ```text
//! version (1) │ key id (8) │ nonce (12) │ ciphertext │ tag (16)
//! ```
//!
//! AES-256-GCM. The associated data is the head (version and key id), the table and the row's id, so that
//! what was moved to another row, or relabelled, does not open. Each row has a key of its own, derived
//! (HKDF-SHA256) from the listed one and that same table and id: random nonces are safe for 2^32 seals
//! under one key (NIST SP 800-38D, 8.3), which a large fleet's renewals would reach in a few years if all
//! rows shared one.

use aws_lc_rs::aead::{self, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::keys::{ID_LEN, Key, KeyId, Keys};

const VERSION: u8 = 1;
const HEAD_LEN: usize = 1 + ID_LEN;
const BODY_AT: usize = HEAD_LEN + aead::NONCE_LEN;

/// Why an envelope was not made or not opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum EnvelopeError {
    #[error("the sealed bytes are cut short, or of a format that this version does not know")]
    Format,
    #[error("the sealed bytes need the encryption key {0}, which is not in the list")]
    UnknownKey(KeyId),
    #[error("the sealed bytes were changed, or belong to another row")]
    Tampered,
    #[error("sealing failed: the system gave no random bytes, or the text is too long")]
    Seal,
}

/// Whose secret it is: the row's table and id.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'a str,
    pub(crate) id: &'a str,
}

/// Seals with the list's first key.
pub(crate) fn seal(keys: &Keys, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    let key = keys.first().ok_or(EnvelopeError::Seal)?;
    let mut nonce = [0; aead::NONCE_LEN];
    rand::fill(&mut nonce).map_err(|_| EnvelopeError::Seal)?;

    let mut sealed = Vec::with_capacity(BODY_AT + plain.len() + AES_256_GCM.tag_len());
    sealed.push(VERSION);
    sealed.extend_from_slice(key.id().as_bytes());
    let aad = associated(&sealed, place);
    sealed.extend_from_slice(&nonce);

    // Sealed in a buffer of its own with room for the tag, so that the plain text is nowhere else.
    let mut body = Zeroizing::new(Vec::with_capacity(plain.len() + AES_256_GCM.tag_len()));
    body.extend_from_slice(plain);
    row_key(key, place)
        .ok_or(EnvelopeError::Seal)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            &mut *body,
        )
        .map_err(|_| EnvelopeError::Seal)?;
    sealed.extend_from_slice(&body);
    Ok(sealed)
}

/// Opens with whichever listed key sealed it.
pub(crate) fn open(
    keys: &Keys,
    place: Place<'_>,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
    let (head, rest) = sealed
        .split_at_checked(HEAD_LEN)
        .ok_or(EnvelopeError::Format)?;
    let (nonce, body) = rest
        .split_at_checked(aead::NONCE_LEN)
        .ok_or(EnvelopeError::Format)?;
    let id = key_id(head)?;
    let key = keys.named(id).ok_or(EnvelopeError::UnknownKey(id))?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| EnvelopeError::Format)?;

    let mut body = Zeroizing::new(body.to_vec());
    let length = row_key(key, place)
        .ok_or(EnvelopeError::Tampered)?
        .open_in_place(nonce, Aad::from(associated(head, place)), &mut body)
        .map_err(|_| EnvelopeError::Tampered)?
        .len();
    body.truncate(length);
    Ok(body)
}

/// The name of the key that sealed it.
pub(crate) fn key_id(sealed: &[u8]) -> Result<KeyId, EnvelopeError> {
    match sealed.split_first() {
        Some((&VERSION, rest)) => rest
            .first_chunk::<ID_LEN>()
            .map(|id| KeyId::from_bytes(*id))
            .ok_or(EnvelopeError::Format),
        _ => Err(EnvelopeError::Format),
    }
}

fn row_key(key: &Key, place: Place<'_>) -> Option<LessSafeKey> {
    let derived = key.derive(&[b"row\0", place.table.as_bytes(), b"\0", place.id.as_bytes()])?;
    UnboundKey::new(&AES_256_GCM, derived.as_slice())
        .ok()
        .map(LessSafeKey::new)
}

/// A table's name holds no zero byte, so no two places give the same bytes.
fn associated(head: &[u8], place: Place<'_>) -> Vec<u8> {
    [head, place.table.as_bytes(), b"\0", place.id.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: Place<'static> = Place {
        table: "accounts",
        id: "acme",
    };

    #[test]
    fn opens_where_it_was_sealed_and_nowhere_else() {
        let keys = Keys::generate().unwrap();
        let sealed = seal(&keys, HERE, b"secret").unwrap();
        assert_eq!(open(&keys, HERE, &sealed).unwrap().as_slice(), b"secret");
        for elsewhere in [
            Place {
                id: "acme2",
                ..HERE
            },
            Place {
                table: "check",
                ..HERE
            },
            Place {
                table: "account",
                id: "s\0acme",
            },
        ] {
            assert_eq!(
                open(&keys, elsewhere, &sealed),
                Err(EnvelopeError::Tampered)
            );
        }
    }

    #[test]
    fn another_key_is_named_as_missing() {
        let (ours, theirs) = (Keys::generate().unwrap(), Keys::generate().unwrap());
        let sealed = seal(&ours, HERE, b"secret").unwrap();
        assert_eq!(key_id(&sealed), Ok(ours.ids()[0]));
        assert_eq!(
            open(&theirs, HERE, &sealed),
            Err(EnvelopeError::UnknownKey(ours.ids()[0]))
        );
    }

    #[test]
    fn the_same_text_never_looks_the_same() {
        let keys = Keys::generate().unwrap();
        assert_ne!(
            seal(&keys, HERE, b"x").unwrap(),
            seal(&keys, HERE, b"x").unwrap()
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_back(plain: Vec<u8>, id in "\\PC{0,40}") {
            let keys = Keys::generate().unwrap();
            let place = Place { table: "accounts", id: &id };
            let sealed = seal(&keys, place, &plain).unwrap();
            let opened = open(&keys, place, &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), plain.as_slice());
        }

        #[test]
        fn any_changed_bit_is_noticed(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let keys = Keys::generate().unwrap();
            let mut sealed = seal(&keys, HERE, b"a token").unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(open(&keys, HERE, &sealed).is_err());
        }

        #[test]
        fn rubbish_is_an_error(bytes: Vec<u8>) {
            prop_assert!(open(&Keys::generate().unwrap(), HERE, &bytes).is_err());
        }
    }
}
