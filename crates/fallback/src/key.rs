//! Whose answer to what.

use std::fmt;

use http::header::{AUTHORIZATION, COOKIE, HeaderName};
use http::{HeaderMap, Method, Request};
use sha2::{Digest, Sha256};

/// What an answer is kept under: account, target, kind of read, the fields that select among its
/// variants, and whose request it was.
///
/// Every part is written with its length before it, so that no two different lists of parts make
/// the same key; the caller's own `Authorization` and `Cookie` are in it as SHA-256 alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key(Box<[u8]>);

/// The kinds of read. Their answers are kept apart: one to HEAD has no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// GET, or any call that reads as GET does.
    Get,
    /// HEAD.
    Head,
}

impl Read {
    /// GET and HEAD; every other method is no read by itself.
    pub fn of(method: &Method) -> Option<Self> {
        match *method {
            Method::GET => Some(Self::Get),
            Method::HEAD => Some(Self::Head),
            _ => None,
        }
    }
}

impl Key {
    /// `account` is empty where there is none; `target` is the request's, with its query (and its
    /// base, if a provider has several); `vary` names the fields of `headers` whose values select
    /// the answer, always in the same order.
    pub fn new(
        account: &str,
        read: Read,
        target: &str,
        vary: &[HeaderName],
        headers: &HeaderMap,
    ) -> Self {
        let mut bytes = Vec::with_capacity(account.len() + target.len() + 96 + 64 * vary.len());
        // These two first, for `account` and `path`.
        part(&mut bytes, account.as_bytes());
        part(&mut bytes, target.as_bytes());
        bytes.push(match read {
            Read::Get => b'G',
            Read::Head => b'H',
        });
        for name in vary {
            part(&mut bytes, name.as_str().as_bytes());
            values(headers, name, |value| part(&mut bytes, value));
            bytes.push(b'.');
        }
        for name in [AUTHORIZATION, COOKIE] {
            if headers.contains_key(&name) {
                bytes.extend_from_slice(&digest(headers, std::iter::once(&name)));
            }
            bytes.push(b'.');
        }
        Self(bytes.into_boxed_slice())
    }

    /// The key of a GET or a HEAD, from its own URI and fields; `None` for another method.
    pub fn of<B>(account: &str, vary: &[HeaderName], request: &Request<B>) -> Option<Self> {
        let read = Read::of(request.method())?;
        let uri = request.uri();
        Some(match uri.path_and_query() {
            Some(target) if uri.authority().is_none() => {
                Self::new(account, read, target.as_str(), vary, request.headers())
            }
            _ => Self::new(account, read, &uri.to_string(), vary, request.headers()),
        })
    }

    /// How many bytes it takes.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The account it was made for.
    pub(crate) fn account(&self) -> &[u8] {
        take(&self.0).0
    }

    /// Account and path, without the query: what a write changes.
    pub(crate) fn place(&self) -> (&[u8], &[u8]) {
        let (account, rest) = take(&self.0);
        let target = take(rest).0;
        let path = target.split(|&byte| byte == b'?').next();
        (account, path.unwrap_or_default())
    }
}

/// Nothing of what it is made of: a query may hold a secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// SHA-256 over all values of these fields, each name and value with its length.
pub(crate) fn digest<'a>(
    headers: &HeaderMap,
    names: impl Iterator<Item = &'a HeaderName>,
) -> [u8; 32] {
    let mut sha = Sha256::new();
    for name in names {
        for piece in [name.as_str().as_bytes()].into_iter().chain(
            headers
                .get_all(name)
                .iter()
                .map(http::HeaderValue::as_bytes),
        ) {
            sha.update((piece.len() as u64).to_le_bytes());
            sha.update(piece);
        }
        sha.update(u64::MAX.to_le_bytes());
    }
    sha.finalize().into()
}

fn values(headers: &HeaderMap, name: &HeaderName, mut each: impl FnMut(&[u8])) {
    for value in headers.get_all(name) {
        each(value.as_bytes());
    }
}

/// A length is told from the `.` that ends a list by a byte of its own.
fn part(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.push(b'+');
    bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
    bytes.extend_from_slice(part);
}

/// The first part, and what follows it.
fn take(bytes: &[u8]) -> (&[u8], &[u8]) {
    let Some((head, rest)) = bytes.split_first_chunk::<9>() else {
        return Default::default();
    };
    let [_, length @ ..] = *head;
    let length = usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX);
    rest.split_at(length.min(rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    /// Few letters, among them those that a key is built with, so that parts often resemble.
    fn piece() -> impl Strategy<Value = String> {
        "[a.+?]{0,3}"
    }

    #[derive(Debug, Clone, PartialEq)]
    struct Parts {
        account: String,
        head: bool,
        target: String,
        vary: Vec<String>,
        fields: Vec<(usize, String)>,
    }

    const NAMES: [&str; 5] = ["accept", "accept-language", "a", "authorization", "cookie"];

    impl Parts {
        fn headers(&self) -> HeaderMap {
            let fields = self.fields.iter().map(|(name, value)| {
                (
                    HeaderName::from_static(NAMES[*name]),
                    HeaderValue::from_str(value).unwrap(),
                )
            });
            let mut headers = HeaderMap::new();
            fields.for_each(|(name, value)| {
                headers.append(name, value);
            });
            headers
        }

        fn key(&self) -> Key {
            let vary: Vec<_> = self.vary.iter().map(|n| n.parse().unwrap()).collect();
            let read = if self.head { Read::Head } else { Read::Get };
            Key::new(&self.account, read, &self.target, &vary, &self.headers())
        }

        /// What a key must tell apart.
        fn meaning(&self) -> impl PartialEq + std::fmt::Debug + use<> {
            let headers = self.headers();
            let of = |name: &str| -> Vec<String> {
                let values = headers.get_all(name).iter();
                values.map(|v| v.to_str().unwrap().to_owned()).collect()
            };
            let vary: Vec<_> = self.vary.iter().map(|n| (n.clone(), of(n))).collect();
            (
                self.account.clone(),
                self.head,
                self.target.clone(),
                vary,
                (of("authorization"), of("cookie")),
            )
        }
    }

    fn parts() -> impl Strategy<Value = Parts> {
        let names = proptest::sample::subsequence(&NAMES[..3], 0..3);
        let fields = proptest::collection::vec((0..NAMES.len(), piece()), 0..4);
        (piece(), any::<bool>(), piece(), names, fields).prop_map(
            |(account, head, target, vary, fields)| Parts {
                account,
                head,
                target,
                vary: vary.into_iter().map(str::to_owned).collect(),
                fields,
            },
        )
    }

    proptest! {
        #[test]
        fn keys_are_the_same_exactly_if_every_part_is(a in parts(), b in parts()) {
            prop_assert_eq!(a.key() == b.key(), a.meaning() == b.meaning(), "{:?} {:?}", a, b);
            prop_assert_eq!(a.key(), a.clone().key());
        }

        #[test]
        fn moving_a_letter_from_part_to_part_makes_another_key(
            mut a in parts(), from in 0usize..4, to in 0usize..4,
        ) {
            let before = a.clone();
            fn part(a: &mut Parts, which: usize) -> Option<&mut String> {
                match which {
                    0 => Some(&mut a.account),
                    1 => Some(&mut a.target),
                    which => a.fields.get_mut(which - 2).map(|(_, value)| value),
                }
            }
            let letter = part(&mut a, from).and_then(String::pop);
            if let (Some(letter), Some(to)) = (letter, part(&mut a, to)) {
                to.insert(0, letter);
            }
            prop_assert_eq!(a.key() == before.key(), a.meaning() == before.meaning());
        }

        #[test]
        fn account_and_path_are_read_back(account in ".{0,20}", path in "/[a-z/]{0,20}", query in "(\\?.{0,9})?") {
            let target = format!("{path}{query}");
            let key = Key::new(&account, Read::Get, &target, &[], &HeaderMap::new());
            prop_assert_eq!(key.account(), account.as_bytes());
            prop_assert_eq!(key.place(), (account.as_bytes(), path.as_bytes()));
        }
    }

    #[test]
    fn credentials_are_not_in_the_key_itself() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer sesame"));
        let key = Key::new("a", Read::Get, "/", &[], &headers);
        assert!(!key.0.windows(6).any(|window| window == b"sesame"));
        assert_eq!(format!("{key:?}"), "Key");
    }

    #[test]
    fn only_reads_have_a_key() {
        let request = |method| {
            Request::builder()
                .method(method)
                .uri("/a?b")
                .body(())
                .unwrap()
        };
        assert!(Key::of("", &[], &request(Method::POST)).is_none());
        let get = Key::of("", &[], &request(Method::GET)).unwrap();
        assert_ne!(get, Key::of("", &[], &request(Method::HEAD)).unwrap());
        assert_eq!(get, Key::new("", Read::Get, "/a?b", &[], &HeaderMap::new()));
    }
}
