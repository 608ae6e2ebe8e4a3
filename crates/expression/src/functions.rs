//! The functions beside JSONata's own: pure, over JSON.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use md5::Digest as _;
use serde_json::Value;

/// A list up to this length is left to the engine's own quadratic function.
pub(crate) const FEW: usize = 64;

/// What a function refuses: a code and a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) &'static str, pub(crate) String);

fn refused(message: impl Into<String>) -> Refused {
    Refused("D4001", message.into())
}

/// `$hash(alg, text, encoding)`: nothing for no text.
pub(crate) fn hash(args: &[Option<Value>]) -> Result<Option<Value>, Refused> {
    let Some(text) = text(args, 1) else {
        return Ok(None);
    };
    let digest = match algorithm("hash", args)? {
        Algorithm::Md5 => md5::Md5::digest(text).to_vec(),
        Algorithm::Sha1 => sha1::Sha1::digest(text).to_vec(),
        Algorithm::Sha256 => sha2::Sha256::digest(text).to_vec(),
        Algorithm::Sha384 => sha2::Sha384::digest(text).to_vec(),
        Algorithm::Sha512 => sha2::Sha512::digest(text).to_vec(),
    };
    encode(&digest, args.get(2)).map(Some)
}

/// `$hmac(alg, key, text, encoding)` (RFC 2104): nothing for no text or no key.
pub(crate) fn hmac(args: &[Option<Value>]) -> Result<Option<Value>, Refused> {
    let (Some(key), Some(text)) = (args.get(1).and_then(Option::as_ref), text(args, 2)) else {
        return Ok(None);
    };
    let key = key_bytes(key)?;
    let tag = match algorithm("hmac", args)? {
        Algorithm::Md5 => mac::<Hmac<md5::Md5>>(&key, text)?,
        Algorithm::Sha1 => mac::<Hmac<sha1::Sha1>>(&key, text)?,
        Algorithm::Sha256 => mac::<Hmac<sha2::Sha256>>(&key, text)?,
        Algorithm::Sha384 => mac::<Hmac<sha2::Sha384>>(&key, text)?,
        Algorithm::Sha512 => mac::<Hmac<sha2::Sha512>>(&key, text)?,
    };
    encode(&tag, args.get(3)).map(Some)
}

fn mac<M: Mac + hmac::digest::KeyInit>(key: &[u8], text: &str) -> Result<Vec<u8>, Refused> {
    let mut mac = <M as hmac::digest::KeyInit>::new_from_slice(key)
        .map_err(|_| refused("the key of $hmac has a length that it cannot have"))?;
    mac.update(text.as_bytes());
    Ok(mac.finalize().into_bytes().to_vec())
}

enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

fn algorithm(function: &str, args: &[Option<Value>]) -> Result<Algorithm, Refused> {
    match text(args, 0) {
        Some("md5") => Ok(Algorithm::Md5),
        Some("sha1") => Ok(Algorithm::Sha1),
        Some("sha256") => Ok(Algorithm::Sha256),
        Some("sha384") => Ok(Algorithm::Sha384),
        Some("sha512") => Ok(Algorithm::Sha512),
        _ => Err(refused(format!(
            "${function} knows md5, sha1, sha256, sha384 and sha512"
        ))),
    }
}

/// A key is text, `{"hex": …}` or `{"base64": …}`. It never occurs in a message.
fn key_bytes(key: &Value) -> Result<Vec<u8>, Refused> {
    if let Value::String(text) = key {
        return Ok(text.as_bytes().to_vec());
    }
    let member = |name: &str| key.get(name).and_then(Value::as_str);
    if let Some(hex) = member("hex") {
        return decode_hex(hex).ok_or_else(|| refused("the key's `hex` is not hexadecimal"));
    }
    if let Some(text) = member("base64") {
        let text = text.trim_end_matches('=');
        return STANDARD_NO_PAD
            .decode(text)
            .or_else(|_| URL_SAFE_NO_PAD.decode(text))
            .map_err(|_| refused("the key's `base64` is not base64"));
    }
    Err(refused("a key is a text, {\"hex\": …} or {\"base64\": …}"))
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()
        })
        .collect()
}

fn encode(bytes: &[u8], encoding: Option<&Option<Value>>) -> Result<Value, Refused> {
    let encoding = encoding.and_then(Option::as_ref).and_then(Value::as_str);
    Ok(Value::String(match encoding.unwrap_or("hex") {
        "hex" => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        "base64" => STANDARD.encode(bytes),
        "base64url" => URL_SAFE_NO_PAD.encode(bytes),
        _ => return Err(refused("an encoding is hex, base64 or base64url")),
    }))
}

fn text(args: &[Option<Value>], index: usize) -> Option<&str> {
    args.get(index)?.as_ref()?.as_str()
}

/// The distinct items of a long list, in linear time. Nothing where the engine's own function is as good: a short list,
/// or one of equal items, of which the engine alone knows whether one item stands for itself.
pub(crate) fn distinct(args: &[Option<Value>]) -> Option<Value> {
    let Some(Some(Value::Array(items))) = args.first() else {
        return None;
    };
    if items.len() <= FEW {
        return None;
    }
    let mut seen = HashSet::with_capacity(items.len());
    let distinct: Vec<Value> = items
        .iter()
        .filter(|item| seen.insert(canonical(item)))
        .cloned()
        .collect();
    (distinct.len() > 1).then_some(Value::Array(distinct))
}

/// The keys of an object, or of the objects of a list and of lists within it, each once, in linear time. Nothing if
/// there are fewer than two.
pub(crate) fn keys(args: &[Option<Value>]) -> Option<Value> {
    let mut keys = indexmap::IndexSet::new();
    collect_keys(args.first()?.as_ref()?, &mut keys);
    (keys.len() > 1).then(|| keys.into_iter().map(Value::from).collect())
}

fn collect_keys<'v>(value: &'v Value, keys: &mut indexmap::IndexSet<&'v str>) {
    match value {
        Value::Object(members) => keys.extend(members.keys().map(String::as_str)),
        Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
        _ => {}
    }
}

/// A text that two values share if and only if they are equal to JSONata: members in any order, numbers by value.
fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => match number.as_f64() {
            // Zero has two signs and one value.
            Some(float) => out.push_str(&(float + 0.0).to_string()),
            None => out.push_str(&number.to_string()),
        },
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| key.as_str());
            out.push('{');
            for (key, member) in sorted {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_canonical(member, out);
                out.push(',');
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}
