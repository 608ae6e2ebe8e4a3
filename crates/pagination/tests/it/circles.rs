//! Vendors whose pages go in circles: found, whatever the circle's length, and never taken for the end.

use leeward_pagination::{Answer, PagingError, Position};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{cursor, size};

/// Follows `next` from the first page; says after how many pages it failed.
fn follow(next: impl Fn(Option<&Value>) -> Value, most: usize) -> Option<usize> {
    let paging = cursor(size(None, None));
    let mut position: Option<Position> = None;
    for page in 1..=most {
        let ask = paging.ask(position.as_ref(), None);
        let next = next(ask.position.as_ref());
        let answer = Answer {
            count: 1,
            next: Some(next),
            more: None,
        };
        match paging.read(&ask, answer) {
            Ok(page) => position = page.next,
            Err(PagingError::Repeated) => return Some(page),
            Err(other) => panic!("{other}"),
        }
        assert!(position.is_some(), "taken for the end");
    }
    None
}

proptest! {
    #[test]
    fn a_circle_is_found_within_a_few_rounds(before in 0..40_u64, length in 1..40_u64) {
        let next = |position: Option<&Value>| {
            let at = position.map_or(0, |position| position.as_u64().unwrap() + 1);
            json!(if at == before + length { before } else { at })
        };
        let found = follow(next, 10_000);
        let most = 4 * usize::try_from(before + length).unwrap() + 4;
        prop_assert!(found.is_some_and(|pages| pages <= most), "{found:?}");
    }
}

#[test]
fn the_same_position_again_fails_at_once() {
    assert_eq!(follow(|_| json!("a"), 10), Some(2));
}

#[test]
fn a_long_way_without_a_circle_is_none() {
    let next = |position: Option<&Value>| {
        json!(position.map_or(1, |position| position.as_u64().unwrap() + 1))
    };
    assert_eq!(follow(next, 5_000), None);
}
