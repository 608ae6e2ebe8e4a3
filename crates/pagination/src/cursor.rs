//! How a position travels through strangers' hands.
//!
//! ```text
//! base64url( version (1) │ nonce (12) │ ciphertext │ tag (16) )
//! ```
//!
//! AES-256-GCM-SIV (RFC 8452). The nonce is made from the text itself (HMAC-SHA256, cut), so that the same position of
//! the same list is the same cursor: a page can be found again in a cache, and no random number can come twice.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::keys::CursorKey;
use crate::{CursorError, CursorKeys, Position};

const VERSION: u8 = 1;
/// The longest position, in bytes of JSON.
pub(crate) const MAX_POSITION: usize = 8 << 10;
/// The longest text that is looked at.
const MAX_TEXT: usize = 4 * (MAX_POSITION + 256) / 3;

/// The list that a cursor belongs to. One that was made for another does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The provider's name.
    pub provider: &'a str,
    /// The account's id.
    pub account: &'a str,
    /// The resource.
    pub resource: &'a str,
    /// The query in a form that does not depend on its order, without what may change from page to page.
    pub query: &'a str,
}

impl Binding<'_> {
    /// The associated data: each part with its length before it, so that no two bindings give the same bytes.
    fn associated(&self) -> Vec<u8> {
        let parts = [self.provider, self.account, self.resource, self.query];
        let mut data = vec![VERSION];
        for part in parts {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part.as_bytes());
        }
        data
    }
}

/// Makes the cursor of a position: URL-safe text, without padding.
///
/// # Errors
/// [`CursorError::TooLong`] if the position is, [`CursorError::Seal`] if there is no key.
pub fn seal(
    keys: &CursorKeys,
    position: &Position,
    binding: &Binding<'_>,
) -> Result<String, CursorError> {
    let key = keys.first().ok_or(CursorError::Seal)?;
    let mut body = position.to_bytes();
    if body.len() > MAX_POSITION {
        return Err(CursorError::TooLong);
    }
    let associated = binding.associated();
    let nonce = key.nonce(&associated, &body);
    let mut sealed = Vec::with_capacity(1 + NONCE_LEN + body.len() + AES_256_GCM_SIV.tag_len());
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    key.cipher()
        .ok_or(CursorError::Seal)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated),
            &mut body,
        )
        .map_err(|_| CursorError::Seal)?;
    sealed.extend_from_slice(&body);
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// Opens a cursor.
///
/// # Errors
/// [`CursorError::Foreign`] if it is not one of this list.
pub fn open(keys: &CursorKeys, text: &str, binding: &Binding<'_>) -> Result<Position, CursorError> {
    if text.len() > MAX_TEXT {
        return Err(CursorError::Foreign);
    }
    // Bits left over at the end must be zero, so that one cursor has one text.
    let sealed = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| CursorError::Foreign)?;
    let Some((&VERSION, rest)) = sealed.split_first() else {
        return Err(CursorError::Foreign);
    };
    let (nonce, body) = rest
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(CursorError::Foreign)?;
    let associated = binding.associated();
    keys.iter()
        .find_map(|key| {
            let mut body = body.to_vec();
            let plain = key
                .cipher()?
                .open_in_place(
                    Nonce::assume_unique_for_key(*nonce),
                    Aad::from(&associated),
                    &mut body,
                )
                .ok()?;
            Position::from_bytes(plain)
        })
        .ok_or(CursorError::Foreign)
}

impl CursorKey {
    fn cipher(&self) -> Option<LessSafeKey> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, &self.cipher).ok()?;
        Some(LessSafeKey::new(key))
    }

    fn nonce(&self, associated: &[u8], body: &[u8]) -> [u8; NONCE_LEN] {
        let mut context = hmac::Context::with_key(&self.nonces);
        context.update(&(associated.len() as u64).to_be_bytes());
        context.update(associated);
        context.update(body);
        let tag = context.sign();
        let mut nonce = [0; NONCE_LEN];
        for (to, from) in nonce.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        nonce
    }
}
