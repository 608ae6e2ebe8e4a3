//! Evaluates an expression: `cargo run -p leeward-expression --example evaluate -- '$sum(items.price)' '{"items": [{"price": 2}]}'`.
//! Without arguments it shows a few.

use leeward_expression::{Bindings, Expression, Limits, Place, Scope, Template};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    if let Some(source) = arguments.next() {
        let input = arguments
            .next()
            .map(|text| serde_json::from_str(&text))
            .transpose()?;
        let result = Expression::compile(&source)?.evaluate(
            input.as_ref(),
            &Bindings::new(),
            &Limits::default(),
        )?;
        match result {
            Some(value) => println!("{value}"),
            None => println!("(nothing)"),
        }
        return Ok(());
    }

    let input = json!({"items": [{"name": "pen", "price": 2}, {"name": "ink", "price": 30}]});
    for source in [
        "$sum(items.price)",
        "items[price > 10].name",
        "$hash('sha256', items[0].name, 'base64')",
        "missing",
    ] {
        let result =
            Expression::compile(source)?.evaluate(&input, &Bindings::new(), &Limits::default())?;
        println!(
            "{source:45} = {}",
            result.map_or("(nothing)".into(), |value| value.to_string())
        );
    }

    let endless = "($f := function($n){$n + $f($n)}; $f(1))";
    let refused =
        Expression::compile(endless)?.evaluate(None, &Bindings::new(), &Limits::default());
    if let Err(fault) = refused {
        println!("{endless:45} ! {fault}");
    }

    let account = json!({"id": "a/b", "vars": {"host": "eu.example.com"}});
    let scope = Scope::new().with("account", &account);
    let url = Template::parse("https://{{account.vars.host}}/v2/{{account.id}}")?;
    println!(
        "{:45} = {}",
        url.source(),
        url.render(&scope, Place::Url)?
            .into_text()
            .unwrap_or_default()
    );
    Ok(())
}
