//! An answer, taken whole.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// A header's first value as text, or nothing.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Asserts that it is a problem of this code, and gives it.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let seen = (self.status.as_u16(), self.header("leeward-error"));
        assert_eq!(seen, (status, Some(code)), "{}", self.text());
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let problem = self.json();
        for member in [
            "type",
            "title",
            "status",
            "detail",
            "code",
            "provider",
            "account",
            "request_id",
        ] {
            assert!(problem.get(member).is_some(), "no {member} in {problem}");
        }
        assert_eq!(problem["code"], code);
        assert_eq!(problem["status"], status);
        assert_eq!(
            problem["request_id"].as_str(),
            self.header("leeward-request-id")
        );
        if status == 429 || status == 503 {
            let wait: u64 = self
                .header("retry-after")
                .expect("retry-after")
                .parse()
                .unwrap();
            assert!(wait >= 1);
            assert_eq!(problem["retry_after"], wait);
        }
        if status == 401 {
            assert!(self.header("www-authenticate").is_some());
        }
        problem
    }

    /// Asserts that it is the vendor's 200, now.
    #[track_caller]
    pub fn live(&self) -> &Self {
        assert_eq!(self.status, 200, "{}", self.text());
        assert_eq!(self.header("leeward-source"), Some("live"));
        self
    }
}
