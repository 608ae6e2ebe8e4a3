//! No text panics, hangs or grows.

use proptest::prelude::*;

use crate::support::provider_faults;

const HEAD: &str = "provider: x\nbase_url: https://x.example\n";

proptest! {
    #[test]
    fn any_text(text in ".{0,400}") {
        let _ = provider_faults(&text);
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = provider_faults(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn anything_that_looks_like_yaml(text in "([a-z]{1,3}: |- |\\[|\\]|\\{|\\}|&a |\\*a|'|\"|\\||>|\n {0,6}|#|\\$\\{env:A\\}|\\{\\{|\\}\\}|[a-z0-9$]{1,4}|\\\\){0,60}") {
        let _ = provider_faults(&format!("{HEAD}headers:\n  A: {text}"));
        let _ = provider_faults(&text);
    }

    #[test]
    fn any_value_under_any_key(
        key in prop::sample::select(vec!["auth", "rate_limit", "breaker", "timeout", "retry", "cache", "pagination", "error", "resources", "tls", "sync", "probe", "slo", "hedge", "webhooks", "hosts"]),
        value in "[ -~]{0,80}",
    ) {
        let _ = provider_faults(&format!("{HEAD}{key}: {value}\n"));
    }

    #[test]
    fn any_text_put_in_stays_itself(secret in "[ -~\\n]{0,40}", before in "[a-z{ ]{0,4}", after in "[a-z{} ]{0,4}") {
        prop_assume!(!format!("{before}{after}").contains("{{"));
        let text = format!("{HEAD}headers: {{A: '{before}${{env:S}}{after}'}}\n");
        let (source, _) = leeward_config::parse_provider(&text, "x", &|_| Some(secret.clone()));
        let provider = source.result.unwrap();
        let scope = leeward_expression::Scope::new();
        let shown = provider.headers["A"].render(&scope, leeward_expression::Place::Raw).unwrap();
        let leeward_expression::Rendered::Text(shown) = shown else { panic!("no text") };
        prop_assert_eq!(shown, format!("{before}{secret}{after}"));
    }
}

#[test]
fn deep_nesting_ends() {
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(50_000),
        (0..2_000)
            .map(|depth| format!("{}a:\n", " ".repeat(depth)))
            .collect(),
        format!("{HEAD}error: {{when: '{}'}}\n", "(".repeat(30_000)),
        format!("{HEAD}headers: {{A: '{}'}}\n", "{{[".repeat(10_000)),
    ] {
        assert_eq!(provider_faults(&text).len(), 1);
    }
}

#[test]
fn alias_bombs_end() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let before = level - 1;
        let items = vec![format!("*a{before}"); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    let faults = provider_faults(&bomb);
    assert!(
        faults.len() == 1 && faults[0].ends_with("too large once its aliases are unfolded"),
        "{faults:?}"
    );
    // So do anchors within anchors, each of which is kept.
    let nested: String = (0..60).map(|n| format!("&b{n} [")).collect();
    assert_eq!(provider_faults(&format!("a: {nested}")).len(), 1);
    let long = format!(
        "a: &a '{}'\nb: [{}]\n",
        "x".repeat(1 << 20),
        vec!["*a"; 100].join(", ")
    );
    assert_eq!(provider_faults(&long).len(), 1);
}

#[test]
fn many_faults_end() {
    let keys: String = (0..60_000).map(|n| format!("a{n}: 1\n")).collect();
    let missing: String = (0..20_000)
        .map(|n| format!("  a{n}: '${{env:MISSING}}'\n"))
        .collect();
    let headers: String = (0..60_000)
        .map(|n| format!("  leeward-a{n}: '{{{{acount}}}}'\n"))
        .collect();
    let twice = "a: 1\n".repeat(60_000);
    for text in [
        format!("{HEAD}{keys}"),
        format!("{HEAD}headers:\n{missing}"),
        format!("{HEAD}headers:\n{headers}"),
        format!("{HEAD}{twice}"),
        format!(
            "{HEAD}rate_limit:\n  rules:\n{}",
            "    - {when: {status: abc, body: {x: {y: z}}}}\n".repeat(8_000)
        ),
    ] {
        let faults = provider_faults(&text);
        assert!((1..=3_000).contains(&faults.len()), "{}", faults.len());
    }
}

#[test]
fn long_texts_end() {
    let long = "x".repeat(1 << 20);
    for text in [
        format!("{HEAD}headers: {{A: '{long}'}}\n"),
        format!("{HEAD}{}: 1\n", &long[..1_000]),
        format!("{HEAD}breaker: {{by: {long}}}\n"),
        format!("{HEAD}timeout: {{total: {long}}}\n"),
        format!("{HEAD}error: {{when: '{long}'}}\n"),
        format!("{HEAD}hosts: ['{long}']\n"),
        format!(
            "{HEAD}headers: {{A: '{}'}}\n",
            "${env:MISSING}".repeat(2_000)
        ),
        format!("{HEAD}headers: {{A: \"{}\"}}\n", "\\u0041".repeat(100_000)),
    ] {
        let faults = provider_faults(&text);
        assert!(
            faults.iter().all(|fault| fault.len() < 2_000),
            "{:?}",
            faults.first().map(|fault| fault.len())
        );
    }
}
