use leeward_expression::Expression;
use leeward_pagination::{
    Answer, CursorPages, OffsetPages, Page, Paging, PagingError, Position, Size,
};
use serde_json::{Value, json};

use crate::{cursor, offset, size};

fn read(
    paging: &Paging,
    count: usize,
    next: Value,
    more: Option<Value>,
) -> Result<Page, PagingError> {
    let next = Some(next);
    paging.read(&paging.ask(None, None), Answer { count, next, more })
}

fn next(paging: &Paging, count: usize, next: Value, more: Option<Value>) -> Option<Value> {
    let page = read(paging, count, next, more).unwrap();
    page.next.map(|next| next.vendor.unwrap())
}

#[test]
fn nothing_null_false_and_empty_are_the_end_and_zero_is_a_position() {
    let paging = cursor(Size::default());
    let nothing = paging.read(
        &paging.ask(None, None),
        Answer {
            count: 3,
            ..Answer::default()
        },
    );
    assert_eq!(nothing.unwrap().next, None);
    for end in [json!(null), json!(false), json!("")] {
        assert_eq!(next(&paging, 3, end, None), None);
    }
    for position in [
        json!(0),
        json!("0"),
        json!("false"),
        json!(" "),
        json!(-1),
        json!(0.5),
    ] {
        assert_eq!(next(&paging, 3, position.clone(), None), Some(position));
    }
}

#[test]
fn a_cursor_goes_on_after_an_empty_page() {
    assert_eq!(
        next(&cursor(Size::default()), 0, json!("b"), None),
        Some(json!("b"))
    );
}

#[test]
fn a_parameter_holds_text_and_numbers_and_a_mapping_may_place_the_rest() {
    let paging = cursor(Size::default());
    for wrong in [json!(true), json!(["a"]), json!({"id": 1})] {
        assert!(matches!(
            read(&paging, 1, wrong, None),
            Err(PagingError::Next(_))
        ));
    }
    let placed = Paging::Cursor(CursorPages::new(Expression::compile("next").unwrap()));
    for position in [json!(["a"]), json!({"id": 1})] {
        assert_eq!(next(&placed, 1, position.clone(), None), Some(position));
    }
    assert!(matches!(
        read(&placed, 1, json!(true), None),
        Err(PagingError::Next("true"))
    ));
}

#[test]
fn more_decides_over_next() {
    let paging = cursor(Size::default());
    assert_eq!(next(&paging, 3, json!("b"), Some(json!(false))), None);
    assert_eq!(
        next(&paging, 0, json!("b"), Some(json!(true))),
        Some(json!("b"))
    );
    assert_eq!(
        next(&paging, 3, json!("b"), Some(json!(null))),
        Some(json!("b"))
    );
    assert_eq!(
        read(&paging, 3, json!(null), Some(json!(true))),
        Err(PagingError::NoPosition)
    );
    for wrong in [json!(0), json!("false"), json!([])] {
        let result = read(&paging, 3, json!("b"), Some(wrong));
        assert!(matches!(result, Err(PagingError::More(_))));
    }
}

#[test]
fn an_offset_ends_at_the_first_empty_page_and_advances_by_what_came() {
    let paging = offset(0, size(Some(10), None));
    // Short, and not the end.
    assert_eq!(next(&paging, 3, json!(null), None), Some(json!(3)));
    assert_eq!(next(&paging, 0, json!(null), None), None);
    // More than was asked for.
    assert_eq!(next(&paging, 12, json!(null), None), Some(json!(12)));

    let from = Position::at(Some(json!(12)));
    let answer = Answer {
        count: 5,
        ..Answer::default()
    };
    let page = paging.read(&paging.ask(Some(&from), None), answer).unwrap();
    assert_eq!(page.next.unwrap().vendor, Some(json!(17)));
}

#[test]
fn more_decides_over_an_offsets_empty_page() {
    let paging = offset(0, size(Some(10), None));
    assert_eq!(next(&paging, 3, json!(null), Some(json!(false))), None);
    assert_eq!(
        next(&paging, 0, json!(null), Some(json!(true))),
        Some(json!(10))
    );
    // With no size to advance by it would ask for the same page for ever.
    let unsized_pages = offset(0, Size::default());
    assert_eq!(
        read(&unsized_pages, 0, json!(null), Some(json!(true))),
        Err(PagingError::Repeated)
    );
    // What was cut off is still to come, whatever the vendor says.
    let ask = paging.ask(None, Some(2));
    let answer = Answer {
        count: 5,
        next: None,
        more: Some(json!(false)),
    };
    let page = paging.read(&ask, answer).unwrap();
    assert_eq!(
        (page.records, page.next.unwrap().vendor),
        (0..2, Some(json!(2)))
    );
}

#[test]
fn an_offset_begins_where_it_is_told_and_does_not_overflow() {
    let paging = offset(1, Size::default());
    let ask = paging.ask(None, None);
    assert_eq!(ask.params(&paging).unwrap(), [("start", "1".to_owned())]);

    let last = Position::at(Some(json!(u64::MAX)));
    let answer = Answer {
        count: 1,
        ..Answer::default()
    };
    let result = paging.read(&paging.ask(Some(&last), None), answer);
    assert_eq!(result, Err(PagingError::Overflow));
}

#[test]
fn a_position_of_another_type_is_no_offset() {
    let paging = offset(0, Size::default());
    let from = Position::at(Some(json!({"id": 1})));
    let answer = Answer {
        count: 1,
        ..Answer::default()
    };
    let result = paging.read(&paging.ask(Some(&from), None), answer);
    assert!(matches!(result, Err(PagingError::Next(_))));
}

#[test]
fn the_size_asked_for() {
    let asked = |value, max, limit| cursor(size(value, max)).ask(None, limit).size;
    assert_eq!(asked(None, None, None), None);
    assert_eq!(asked(Some(100), None, None), Some(100));
    assert_eq!(asked(Some(100), Some(50), None), Some(50));
    assert_eq!(asked(Some(100), Some(500), Some(7)), Some(7));
    assert_eq!(asked(Some(100), Some(500), Some(9_000)), Some(500));
    assert_eq!(asked(None, None, Some(9_000)), Some(9_000));
}

#[test]
fn the_rest_of_a_page_is_asked_for_as_it_was_begun() {
    let paging = cursor(size(Some(100), Some(5)));
    // The vendor's own minimum is above what is wanted.
    let ask = paging.ask(None, Some(3));
    assert_eq!(ask.size, Some(3));
    let answer = || Answer {
        count: 5,
        next: Some(json!("b")),
        more: Some(json!(false)),
    };
    let page = paging.read(&ask, answer()).unwrap();
    let rest = page.next.unwrap();
    assert_eq!((page.records, rest.skip, rest.size), (0..3, 3, Some(3)));

    let ask = paging.ask(Some(&rest), Some(100));
    assert_eq!((ask.size, &ask.position), (Some(3), &None));
    let page = paging.read(&ask, answer()).unwrap();
    assert_eq!((page.records, page.next), (3..5, None));

    // It has shrunk meanwhile.
    let answer = Answer {
        count: 2,
        next: Some(json!("b")),
        more: None,
    };
    let page = paging.read(&ask, answer).unwrap();
    assert_eq!(
        (page.records, page.next.unwrap().vendor),
        (2..2, Some(json!("b")))
    );
}

#[test]
fn parameters_only_where_they_are_named() {
    let paging = cursor(size(Some(2), None));
    let at = Position::at(Some(json!(0)));
    let params = paging.ask(Some(&at), None).params(&paging).unwrap();
    assert_eq!(
        params,
        [("after", "0".to_owned()), ("count", "2".to_owned())]
    );
    assert_eq!(
        paging.ask(None, None).params(&paging).unwrap(),
        [("count", "2".to_owned())]
    );

    let bare = Paging::Offset(OffsetPages::default());
    assert_eq!(bare.ask(None, Some(5)).params(&bare).unwrap(), []);
}
