//! Walks a list of ten records, with another limit on each page, through cursors as an application would hold them.
//!
//! `cargo run -p leeward-pagination --example walk`

use std::error::Error;

use leeward_expression::Expression;
use leeward_pagination::{Answer, Binding, CursorKeys, CursorPages, Paging, open, seal};

fn main() -> Result<(), Box<dyn Error>> {
    let paging = Paging::Cursor(CursorPages {
        param: Some("after".into()),
        ..CursorPages::new(Expression::compile("next")?)
    });
    let keys = CursorKeys::new(Vec::new());
    let binding = Binding {
        provider: "books",
        account: "acme",
        resource: "library/books",
        query: "",
    };
    let mut cursor: Option<String> = None;
    for limit in [3, 1, 2].into_iter().cycle() {
        let position = cursor
            .map(|text| open(&keys, &text, &binding))
            .transpose()?;
        let ask = paging.ask(position.as_ref(), Some(limit));

        // The vendor sends four records, whatever it is asked for.
        let start = match &ask.position {
            Some(position) => position.as_u64().unwrap_or_default(),
            None => 0,
        };
        let sent: Vec<u64> = (start..(start + 4).min(10)).collect();
        let answer = Answer {
            count: sent.len(),
            next: (start + 4 < 10).then(|| (start + 4).into()),
            more: None,
        };

        let page = paging.read(&ask, answer)?;
        println!("limit {limit}: records {:?}", &sent[page.records]);
        let Some(next) = page.next else { break };
        let text = seal(&keys, &next, &binding)?;
        println!("  next_cursor {text}");
        cursor = Some(text);
    }
    Ok(())
}
