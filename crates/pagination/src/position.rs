//! Where a page begins.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a page begins: at a place within one of the vendor's pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The vendor's own position; `None` is its first page.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Value>,
    /// How many records of the vendor's page were given before.
    #[serde(rename = "k", default, skip_serializing_if = "is_zero")]
    pub skip: u64,
    /// The size that the vendor was asked for when `skip` was counted: asked for another, it might cut its page
    /// elsewhere.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// What is remembered of the way here.
    #[serde(rename = "t", default)]
    pub(crate) trail: Trail,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Position {
    /// The beginning of one of the vendor's pages, `None` being its first.
    #[must_use]
    pub fn at(vendor: Option<Value>) -> Self {
        Self {
            trail: Trail::starting_at(vendor.as_ref()),
            vendor,
            skip: 0,
            size: None,
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // A struct of JSON values and numbers is always JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// What is remembered of the positions passed: a mark that is moved at each power of two (Brent, "An improved Monte
/// Carlo factorization algorithm", 1980), so that a circle of any length is found, though a cursor holds one mark alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u32, u32)", into = "(u64, u32, u32)")]
pub(crate) struct Trail {
    mark: u64,
    steps: u32,
    until: u32,
}

impl Default for Trail {
    fn default() -> Self {
        Self::starting_at(None)
    }
}

impl From<(u64, u32, u32)> for Trail {
    fn from((mark, steps, until): (u64, u32, u32)) -> Self {
        Self { mark, steps, until }
    }
}

impl From<Trail> for (u64, u32, u32) {
    fn from(trail: Trail) -> Self {
        (trail.mark, trail.steps, trail.until)
    }
}

impl Trail {
    pub(crate) fn starting_at(position: Option<&Value>) -> Self {
        Self {
            mark: mark(position),
            steps: 0,
            until: 1,
        }
    }

    /// Goes on to a position; `None` if it was there before.
    pub(crate) fn step(self, to: &Value) -> Option<Self> {
        let to = mark(Some(to));
        if to == self.mark {
            return None;
        }
        let steps = self.steps.saturating_add(1);
        Some(if steps >= self.until {
            Self {
                mark: to,
                steps: 0,
                until: self.until.saturating_mul(2),
            }
        } else {
            Self { steps, ..self }
        })
    }
}

/// Eight bytes of a digest; that two positions share them is not to be feared.
fn mark(position: Option<&Value>) -> u64 {
    let text = match position {
        None => String::new(),
        Some(value) => value.to_string(),
    };
    digest(&SHA256, text.as_bytes())
        .as_ref()
        .first_chunk()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
