use leeward_pagination::{
    Answer, Binding, CursorError, CursorKeys, Paging, Position, WholePages, open, seal,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{cursor, size};

const BINDING: Binding<'static> = Binding {
    provider: "books",
    account: "acme",
    resource: "crm/contacts",
    query: "archived=false",
};

fn keys() -> CursorKeys {
    CursorKeys::new(vec![[7; 32]])
}

fn vendor_position() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,60}".prop_map(Value::from),
        (any::<u32>(), ".{0,20}").prop_map(|(n, s)| json!({"id": n, "at": [s, null, true]})),
    ]
}

/// A position such as a walk makes: at the beginning of a vendor's page, or inside it.
fn position() -> impl Strategy<Value = Position> {
    (
        proptest::option::of(vendor_position()),
        0..500_u64,
        any::<Option<u32>>(),
    )
        .prop_map(|(vendor, skip, size)| {
            let mut position = Position::at(vendor);
            position.skip = skip;
            position.size = size;
            position
        })
}

proptest! {
    #[test]
    fn a_cursor_gives_back_its_position(position in position()) {
        let text = seal(&keys(), &position, &BINDING).unwrap();
        prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        prop_assert_eq!(open(&keys(), &text, &BINDING), Ok(position.clone()));
        // The same page has the same name.
        prop_assert_eq!(seal(&keys(), &position, &BINDING).unwrap(), text);
    }

    #[test]
    fn any_other_character_anywhere_is_refused(position in position(), at in any::<prop::sample::Index>(), other in any::<char>()) {
        let text = seal(&keys(), &position, &BINDING).unwrap();
        let mut characters: Vec<char> = text.chars().collect();
        let at = at.index(characters.len());
        prop_assume!(characters[at] != other);
        characters[at] = other;
        let tampered: String = characters.into_iter().collect();
        prop_assert_eq!(open(&keys(), &tampered, &BINDING), Err(CursorError::Foreign));
    }

    #[test]
    fn what_is_cut_or_longer_is_refused(position in position(), at in any::<prop::sample::Index>(), more in "[A-Za-z0-9_=-]{1,8}") {
        let text = seal(&keys(), &position, &BINDING).unwrap();
        let cut = &text[..at.index(text.len())];
        prop_assert_eq!(open(&keys(), cut, &BINDING), Err(CursorError::Foreign));
        let longer = format!("{text}{more}");
        prop_assert_eq!(open(&keys(), &longer, &BINDING), Err(CursorError::Foreign));
    }

    #[test]
    fn any_text_is_refused_without_a_panic(text in ".{0,200}") {
        prop_assert_eq!(open(&keys(), &text, &BINDING), Err(CursorError::Foreign));
    }

    #[test]
    fn another_list_refuses_it(
        one in ("[a-c/]{0,3}", "[a-c/]{0,3}", "[a-c/]{0,3}", "[a-c/]{0,3}"),
        other in ("[a-c/]{0,3}", "[a-c/]{0,3}", "[a-c/]{0,3}", "[a-c/]{0,3}"),
    ) {
        fn binding((provider, account, resource, query): &(String, String, String, String)) -> Binding<'_> {
            Binding { provider, account, resource, query }
        }
        let position = Position::at(Some(json!("p2")));
        let text = seal(&keys(), &position, &binding(&one)).unwrap();
        prop_assert_eq!(open(&keys(), &text, &binding(&other)).is_ok(), one == other);
    }
}

#[test]
fn the_first_key_seals_and_all_open() {
    let position = Position::at(Some(json!(0)));
    let old = seal(&keys(), &position, &BINDING).unwrap();
    let rotated = CursorKeys::new(vec![[9; 32], [7; 32]]);
    assert_eq!(open(&rotated, &old, &BINDING), Ok(position.clone()));

    let new = seal(&rotated, &position, &BINDING).unwrap();
    assert_eq!(open(&keys(), &new, &BINDING), Err(CursorError::Foreign));
    assert_eq!(
        open(&CursorKeys::new(vec![[9; 32]]), &new, &BINDING),
        Ok(position)
    );
}

#[test]
fn without_a_key_cursors_live_as_long_as_the_value() {
    let position = Position::at(None);
    let own = CursorKeys::new(Vec::new());
    let text = seal(&own, &position, &BINDING).unwrap();
    assert_eq!(open(&own.clone(), &text, &BINDING), Ok(position));
    assert!(open(&CursorKeys::new(Vec::new()), &text, &BINDING).is_err());
}

#[test]
fn a_position_has_a_longest_length() {
    let long = Position::at(Some("x".repeat(9 << 10).into()));
    assert_eq!(seal(&keys(), &long, &BINDING), Err(CursorError::TooLong));
    assert_eq!(
        open(&keys(), &"A".repeat(1 << 20), &BINDING),
        Err(CursorError::Foreign)
    );

    // A vendor that sends one is told apart from a list that ends.
    let paging = cursor(size(None, None));
    let answer = Answer {
        count: 1,
        next: Some("x".repeat(9 << 10).into()),
        more: None,
    };
    assert!(paging.read(&paging.ask(None, None), answer).is_err());
}

#[test]
fn nothing_of_a_position_or_a_key_is_to_be_seen() {
    let paging = Paging::Whole(WholePages::default());
    let answer = Answer {
        count: 9,
        ..Answer::default()
    };
    let page = paging.read(&paging.ask(None, Some(2)), answer).unwrap();
    let text = seal(&keys(), &page.next.unwrap(), &BINDING).unwrap();
    assert!(!text.contains("acme") && text.len() > 40);
    assert_eq!(format!("{:?}", keys()), "CursorKeys { count: 1, .. }");
}
