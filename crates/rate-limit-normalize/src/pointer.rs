//! JSON pointers (RFC 6901) in which `*` is any element or member.

use serde_json::Value;

/// The most segments of a pointer.
const MAX_SEGMENTS: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Any,
    Name(String),
}

/// A compiled pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    source: String,
    segments: Vec<Segment>,
}

impl Path {
    pub(crate) fn parse(source: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            Err(format!(
                "`{}` is no JSON pointer: {why}",
                source.escape_debug()
            ))
        };
        let mut segments = Vec::new();
        if !source.is_empty() {
            let Some(rest) = source.strip_prefix('/') else {
                return wrong("it must be empty or begin with `/`");
            };
            for segment in rest.split('/') {
                if segment == "*" {
                    segments.push(Segment::Any);
                    continue;
                }
                let escapes = segment.split('~').skip(1);
                if !escapes
                    .map(|after| after.as_bytes().first())
                    .all(|c| matches!(c, Some(b'0' | b'1')))
                {
                    return wrong("`~` is written `~0`, `/` is written `~1`");
                }
                segments.push(Segment::Name(segment.replace("~1", "/").replace("~0", "~")));
            }
        }
        if segments.len() > MAX_SEGMENTS {
            return wrong("it has more than 32 segments");
        }
        Ok(Self {
            source: source.to_owned(),
            segments,
        })
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Calls `each` for every value the pointer leads to, in their order, until it breaks off.
    /// True if it broke off.
    pub(crate) fn any<'v>(&self, root: &'v Value, each: &mut dyn FnMut(&'v Value) -> bool) -> bool {
        walk(&self.segments, root, each)
    }
}

fn walk<'v>(segments: &[Segment], at: &'v Value, each: &mut dyn FnMut(&'v Value) -> bool) -> bool {
    let Some((first, rest)) = segments.split_first() else {
        return each(at);
    };
    match (first, at) {
        (Segment::Any, Value::Array(list)) => list.iter().any(|at| walk(rest, at, each)),
        (Segment::Any, Value::Object(map)) => map.values().any(|at| walk(rest, at, each)),
        (Segment::Name(name), Value::Object(map)) => {
            map.get(name).is_some_and(|at| walk(rest, at, each))
        }
        (Segment::Name(name), Value::Array(list)) => index(name)
            .and_then(|index| list.get(index))
            .is_some_and(|at| walk(rest, at, each)),
        _ => false,
    }
}

/// RFC 6901 section 4: an index has no leading zero.
fn index(name: &str) -> Option<usize> {
    let plain = name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    plain.then(|| name.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::Path;

    fn all(pointer: &str, root: &Value) -> Vec<Value> {
        let mut found = Vec::new();
        Path::parse(pointer).unwrap().any(root, &mut |value| {
            found.push(value.clone());
            false
        });
        found
    }

    #[test]
    fn follows_rfc_6901() {
        let root = json!({"foo": ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8, "c": {"~1": 9}});
        assert_eq!(all("", &root), std::slice::from_ref(&root));
        assert_eq!(all("/foo/0", &root), [json!("bar")]);
        assert_eq!(all("/", &root), [json!(0)]);
        assert_eq!(all("/a~1b", &root), [json!(1)]);
        assert_eq!(all("/m~0n", &root), [json!(8)]);
        assert_eq!(all("/c/~01", &root), [json!(9)]);
        assert_eq!(all("/foo/00", &root), [] as [Value; 0]);
        assert_eq!(all("/foo/-", &root), [] as [Value; 0]);
        assert_eq!(all("/foo/18446744073709551616", &root), [] as [Value; 0]);
        assert!(Path::parse("foo").is_err());
        assert!(Path::parse("/a~2").is_err());
        assert!(Path::parse("/a~").is_err());
        assert!(Path::parse(&"/a".repeat(33)).is_err());
    }

    #[test]
    fn a_star_is_any_element_or_member() {
        let root =
            json!({"errors": [{"code": "a"}, {"code": "b"}, 3], "more": {"x": {"code": "c"}}});
        assert_eq!(all("/errors/*/code", &root), [json!("a"), json!("b")]);
        assert_eq!(
            all("/*/*/code", &root),
            [json!("a"), json!("b"), json!("c")]
        );
        assert_eq!(all("/*/0/code", &root), [json!("a")]);
    }

    proptest! {
        #[test]
        fn no_pointer_panics(pointer in "[/~01*a]{0,20}") {
            if let Ok(path) = Path::parse(&pointer) {
                path.any(&json!({"a": [1, {"0": 2}], "1": {"a": null}}), &mut |_| false);
            }
        }
    }
}
