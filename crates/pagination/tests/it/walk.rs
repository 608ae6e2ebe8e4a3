//! Walks over a simulated list: whatever the vendor's pages and the application's limits, each record comes once, in order.

use leeward_pagination::{
    Answer, Ask, Binding, CursorKeys, Page, Paging, Position, WholePages, open, seal,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{cursor, offset, size};

/// How the vendor cuts its list.
#[derive(Debug, Clone, Copy)]
struct Vendor {
    records: usize,
    /// The size if none is asked for.
    default: usize,
    /// Whether it does as it is asked.
    obeys: bool,
    max: usize,
    /// Whether its last page says that there is one more, which is empty.
    empty_last: bool,
}

impl Vendor {
    fn size(&self, asked: Option<u32>) -> usize {
        let size = match asked {
            Some(size) if self.obeys => size as usize,
            _ => self.default,
        };
        size.min(self.max)
    }

    /// The numbers of the records that are sent, and the next position.
    fn answer(&self, paging: &Paging, ask: &Ask) -> (std::ops::Range<usize>, Option<Value>) {
        match paging {
            Paging::Cursor(_) => {
                let start = match &ask.position {
                    None => 0,
                    Some(position) => position.as_str().unwrap()[1..].parse().unwrap(),
                };
                let end = (start + self.size(ask.size)).min(self.records);
                let more = end < self.records || (self.empty_last && start < end);
                (start..end, more.then(|| json!(format!("p{end}"))))
            }
            Paging::Offset(pages) => {
                let position = ask.position.as_ref().and_then(Value::as_u64).unwrap();
                let start = usize::try_from(position - pages.start)
                    .unwrap()
                    .min(self.records);
                (start..(start + self.size(ask.size)).min(self.records), None)
            }
            _ => (0..self.records, None),
        }
    }
}

/// Walks through cursors, as an application does, and gives the numbers of the records that came.
fn walk(paging: &Paging, vendor: Vendor, limits: &[Option<u32>]) -> Vec<usize> {
    let keys = CursorKeys::new(vec![[1; 32]]);
    let binding = Binding {
        provider: "p",
        account: "a",
        resource: "m/r",
        query: "",
    };
    let mut seen = Vec::new();
    let mut text: Option<String> = None;
    for limit in limits.iter().cycle().take(10 * (vendor.records + 3)) {
        let position: Option<Position> = text.map(|text| open(&keys, &text, &binding).unwrap());
        let ask = paging.ask(position.as_ref(), *limit);
        let (came, next) = vendor.answer(paging, &ask);
        let answer = Answer {
            count: came.len(),
            next,
            more: None,
        };
        let Page { records, next } = paging.read(&ask, answer).unwrap();
        assert!(limit.is_none_or(|limit| records.len() <= limit as usize));
        seen.extend(records.map(|index| came.start + index));
        match next {
            None => return seen,
            Some(next) => text = Some(seal(&keys, &next, &binding).unwrap()),
        }
    }
    panic!("the walk does not end: {seen:?}");
}

fn vendors() -> impl Strategy<Value = Vendor> {
    (
        0..60_usize,
        1..20_usize,
        any::<bool>(),
        1..20_usize,
        any::<bool>(),
    )
        .prop_map(|(records, default, obeys, max, empty_last)| Vendor {
            records,
            default,
            obeys,
            max,
            empty_last,
        })
}

fn ways() -> impl Strategy<Value = Paging> {
    let sizes = (
        proptest::option::of(1..20_u32),
        proptest::option::of(1..20_u32),
    );
    (0..3_u8, 0..3_u64, sizes).prop_map(|(way, start, (value, max))| match way {
        0 => cursor(size(value, max)),
        1 => offset(start, size(value, max)),
        _ => Paging::Whole(WholePages::default()),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn each_record_comes_exactly_once(
        paging in ways(),
        vendor in vendors(),
        limits in proptest::collection::vec(proptest::option::of(1..25_u32), 1..6),
    ) {
        let seen = walk(&paging, vendor, &limits);
        prop_assert_eq!(seen, (0..vendor.records).collect::<Vec<_>>());
    }
}
