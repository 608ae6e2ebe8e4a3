//! The keys that seal what is secret: a list, of which the first seals and all open.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::{digest, hkdf, rand};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

/// Bytes of one key.
pub(crate) const KEY_LEN: usize = 32;
/// Bytes of a key's name.
pub(crate) const ID_LEN: usize = 8;

/// The salt of every derivation, so that no key of ours is ever one of another program's.
const SALT: &[u8] = b"leeward store v1";

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Why a list of keys was not taken. Never holds any of a key's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The list has no key.
    #[error("no encryption key is given; make one with `openssl rand -base64 32`")]
    Empty,
    /// A key is not base64.
    #[error("encryption key {position} is not base64; make one with `openssl rand -base64 32`")]
    NotBase64 {
        /// Its place in the list, counted from 1.
        position: usize,
    },
    /// A key is not 32 bytes long.
    #[error(
        "encryption key {position} has {length} bytes, not 32; make one with `openssl rand -base64 32`"
    )]
    Length {
        /// Its place in the list, counted from 1.
        position: usize,
        /// How many bytes it has.
        length: usize,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for an encryption key")]
    NoRandom,
}

/// What a key is called in an envelope: the first eight bytes of its SHA-256. Tells nothing of the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; ID_LEN]);

impl KeyId {
    pub(crate) fn from_bytes(bytes: [u8; ID_LEN]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; ID_LEN] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

pub(crate) struct Key {
    id: KeyId,
    bytes: Zeroizing<[u8; KEY_LEN]>,
}

impl Key {
    fn new(bytes: Zeroizing<[u8; KEY_LEN]>) -> Self {
        let hash = digest::digest(&digest::SHA256, bytes.as_slice());
        let mut id = [0; ID_LEN];
        id.iter_mut()
            .zip(hash.as_ref())
            .for_each(|(to, from)| *to = *from);
        Self {
            id: KeyId(id),
            bytes,
        }
    }

    pub(crate) fn id(&self) -> KeyId {
        self.id
    }

    /// HKDF-SHA256 (RFC 5869) of this key for one purpose. `None` cannot happen for 32 bytes, and is
    /// handed on rather than asserted.
    pub(crate) fn derive(&self, purpose: &[&[u8]]) -> Option<Zeroizing<[u8; KEY_LEN]>> {
        let mut out = Zeroizing::new([0; KEY_LEN]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, SALT)
            .extract(self.bytes.as_slice())
            .expand(purpose, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(out.as_mut_slice()))
            .ok()?;
        Some(out)
    }
}

/// The keys of a store: the first seals, all open.
///
/// A clone shares the list. The keys are wiped from memory when the last clone goes, and `Debug` shows
/// only their names.
#[derive(Clone)]
pub struct Keys {
    keys: Arc<[Key]>,
}

impl Keys {
    /// Reads keys of 32 bytes in base64 (standard or URL-safe, padded or not); space around one is
    /// ignored, so that a file may end in a line break.
    ///
    /// # Errors
    /// [`KeysError`] if the list is empty or one of them is no such key.
    pub fn parse<I>(list: I) -> Result<Self, KeysError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut keys: Vec<Key> = Vec::new();
        for (position, text) in (1..).zip(list) {
            let key = Key::new(decode(text.as_ref(), position)?);
            if keys.iter().all(|known| known.id != key.id) {
                keys.push(key);
            }
        }
        if keys.is_empty() {
            return Err(KeysError::Empty);
        }
        Ok(Self { keys: keys.into() })
    }

    /// One new key from the system's random bytes. It is held in memory alone: what it seals can be
    /// opened as long as this value or a clone lives. For tests and for `sqlite::memory:`.
    ///
    /// # Errors
    /// [`KeysError::NoRandom`].
    pub fn generate() -> Result<Self, KeysError> {
        let key = Key::new(random_key()?);
        Ok(Self {
            keys: Arc::new([key]),
        })
    }

    /// Keys for another purpose than the store's (signing cursors, say), one for each in the list and in
    /// its order: sign with the first, accept any. Different purposes give unrelated keys, and none tells
    /// of the key it came from.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Vec<Zeroizing<[u8; 32]>> {
        self.keys
            .iter()
            .filter_map(|key| key.derive(&[b"purpose\0", purpose.as_bytes()]))
            .collect()
    }

    /// The names of the keys, in the list's order.
    #[must_use]
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys.iter().map(Key::id).collect()
    }

    pub(crate) fn first(&self) -> Option<&Key> {
        self.keys.first()
    }

    pub(crate) fn named(&self, id: KeyId) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.ids()).finish()
    }
}

pub(crate) fn random_key() -> Result<Zeroizing<[u8; KEY_LEN]>, KeysError> {
    let mut bytes = Zeroizing::new([0; KEY_LEN]);
    rand::fill(bytes.as_mut_slice()).map_err(|_| KeysError::NoRandom)?;
    Ok(bytes)
}

/// A key as it stands in a file.
pub(crate) fn encode(bytes: &[u8; KEY_LEN]) -> Zeroizing<String> {
    Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(bytes))
}

fn decode(text: &str, position: usize) -> Result<Zeroizing<[u8; KEY_LEN]>, KeysError> {
    let text = text.trim();
    let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
    let mut decoded = decoded.map_err(|_| KeysError::NotBase64 { position })?;
    let key = <[u8; KEY_LEN]>::try_from(decoded.as_slice());
    let length = decoded.len();
    decoded.zeroize();
    key.map(Zeroizing::new)
        .map_err(|_| KeysError::Length { position, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const B: &str = "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA";

    #[test]
    fn a_list_keeps_its_order_and_drops_repeats() {
        let keys = Keys::parse([A, &format!(" {B}\n"), A]).unwrap();
        assert_eq!(keys.ids().len(), 2);
        assert_eq!(
            keys.first().unwrap().id(),
            Keys::parse([A]).unwrap().ids()[0]
        );
    }

    #[test]
    fn url_safe_and_unpadded_text_is_the_same_key() {
        let url_safe = B.replace('+', "-").replace('/', "_");
        assert_eq!(
            Keys::parse([B]).unwrap().ids(),
            Keys::parse([url_safe]).unwrap().ids()
        );
    }

    #[test]
    fn faults_name_the_place_and_not_the_text() {
        assert_eq!(Keys::parse([""; 0]).unwrap_err(), KeysError::Empty);
        let fault = Keys::parse([A, "not base64!"]).unwrap_err();
        assert_eq!(fault, KeysError::NotBase64 { position: 2 });
        assert!(!fault.to_string().contains("not base64!"));
        let short = Keys::parse(["c2hvcnQ="]).unwrap_err();
        assert_eq!(
            short,
            KeysError::Length {
                position: 1,
                length: 5
            }
        );
    }

    #[test]
    fn debug_shows_names_alone() {
        let shown = format!("{:?}", Keys::parse([A]).unwrap());
        assert!(shown.starts_with("Keys([KeyId("), "{shown}");
        assert!(!shown.contains("AAEC") && !shown.contains("0, 1, 2"));
    }

    #[test]
    fn a_key_is_named_by_its_hash() {
        // SHA-256 of the bytes 0 to 31, as sha256sum gives it.
        assert_eq!(
            Keys::parse([A]).unwrap().ids()[0].to_string(),
            "630dcd2966c43366"
        );
    }

    #[test]
    fn purposes_give_unrelated_keys() {
        let keys = Keys::parse([A, B]).unwrap();
        let cursors = keys.derive("cursor");
        assert_eq!(cursors.len(), 2);
        assert_ne!(cursors[0], cursors[1]);
        assert_ne!(cursors[0], keys.derive("other")[0]);
        assert_eq!(cursors[0], Keys::parse([A]).unwrap().derive("cursor")[0]);
    }

    #[test]
    fn generated_keys_differ() {
        assert_ne!(
            Keys::generate().unwrap().ids(),
            Keys::generate().unwrap().ids()
        );
    }
}
