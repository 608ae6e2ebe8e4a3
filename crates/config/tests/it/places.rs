//! A fault inside of an expression is said at its place in the file, however the text is written.

use crate::support::provider_faults;

/// Marks with `@` where the fault must be; the mark itself is taken out.
fn at(text: &str) {
    let mark = text.find('@').expect("a mark");
    let line = text[..mark].matches('\n').count() + 1;
    let column = text[..mark]
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    let text = text.replacen('@', "", 1);
    let found = provider_faults(&text);
    assert_eq!(found.len(), 1, "{text}\n{found:?}");
    assert!(
        found[0].starts_with(&format!("{line}:{column}: ")),
        "{text}\n{found:?} instead of {line}:{column}"
    );
}

/// `error.when` with a text that ends in the wrong token `]`.
fn expression(scalar: &str) -> String {
    format!("provider: x\nbase_url: https://x.example\nerror:\n  when: {scalar}\n  message: m\n")
}

#[test]
fn plain() {
    at(&expression("status = @] 1"));
    at(&expression("status\n    = 2 and\n    code = @] 1"));
}

#[test]
fn quoted() {
    at(&expression("'it''s' ] 1").replace("'it''s' ] 1", "'$x = \"it''s\" @] 1'"));
    at(&expression("\"a\\t= \\u0041 and \\\"b\\\" = @] 1\""));
    at(&expression("\"a = \\\n    b and\n\n    c = @] 1\""));
}

#[test]
fn blocks() {
    at(&expression(
        "|\n    status = 1\n      and\n\n    code = @] 1",
    ));
    at(&expression("|2- # why\n      status = @] 1"));
    at(&expression(
        ">\n    status = 1\n    and\n\n      code\n    = @] 1",
    ));
}

#[test]
fn letters_of_more_than_one_byte() {
    at(&expression("'\"grün 💥\" = @] 1'"));
}

#[test]
fn in_templates() {
    at(
        "provider: x\nbase_url: https://x.example\nheaders:\n  A: 'x {{account.vars.a}} {{ token & @] }}'\n",
    );
    at(
        "provider: x\nbase_url: https://x.example\nheaders:\n  A: |\n    x\n    {{ token &\n       @] }}\n",
    );
}

#[test]
fn behind_what_is_put_in() {
    at(
        "provider: x\nbase_url: https://x.example\nheaders:\n  A: '${env:LONG_VALUE} $${env:B} {{ token & @] }}'\n",
    );
    at(&expression("'\"${env:A}\" = status and @] 1'"));
}

#[test]
fn aliases_are_said_where_the_text_stands() {
    at("provider: x\nbase_url: https://x.example\nerror:\n  when: &e 'a @] b'\nresources: {}\n");
}
