//! The documents name what is there: every metric, every error code, every file.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests stand in the workspace")
        .to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The words in backticks at the beginning of a table's lines.
fn first_cells(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = lines.filter_map(|line| line.split(" | ").next());
    cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect()
}

/// The texts in double quotes of a source file.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| line.split('"').skip(1).step_by(2))
}

#[test]
fn every_metric_is_described() {
    let source = read("sidecar/src/metrics.rs");
    let registered: BTreeSet<_> = quoted(&source)
        .filter(|text| text.starts_with("leeward_"))
        .collect();
    let document = read("docs/metrics.md");
    let described: BTreeSet<_> = first_cells(&document)
        .into_iter()
        .filter(|name| name.starts_with("leeward_"))
        .collect();
    assert!(registered.len() > 20, "{registered:?}");
    assert_eq!(registered, described);
}

#[test]
fn every_error_code_is_described() {
    let source = read("sidecar/src/code.rs");
    // The table's rows: `Self::RateLimited => ("rate_limited", S::TOO_MANY_REQUESTS, "Rate limited"),`
    // on one line or on several.
    let rows = source.split("=> (").skip(1);
    let rows = rows.filter(|row| row.split(')').next().is_some_and(|row| row.contains("S::")));
    let codes: BTreeSet<_> = rows.filter_map(|row| row.split('"').nth(1)).collect();
    let document = read("docs/errors.md");
    assert!(codes.len() > 20, "{codes:?}");
    assert_eq!(codes, first_cells(&document));
}

#[test]
fn the_stack_is_told_as_it_is() {
    let source = read("sidecar/src/stack/mod.rs");
    let pushed = source.split(".layer(").skip(1);
    let layers: Vec<_> = pushed
        .filter_map(|rest| rest.split_once("Layer::new("))
        .map(|(name, _)| name.trim())
        .collect();
    let document = read("ARCHITECTURE.md");
    let table = document
        .split("| layer | why it stands there |")
        .nth(1)
        .and_then(|rest| rest.split("\n\n").next())
        .expect("ARCHITECTURE.md has a table of the stack");
    let told: Vec<_> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name)
        .collect();
    assert!(layers.len() > 10, "{layers:?}");
    assert_eq!(layers, told);
}

#[test]
fn every_file_that_is_named_exists() {
    let documents = [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "README.md",
        "deploy/README.md",
        "docs/errors.md",
        "docs/layer-contract.md",
        "docs/metrics.md",
    ];
    for document in documents {
        let text = read(document);
        let folder = root().join(document);
        let folder = folder.parent().expect("a folder");
        let links = text.split("](").skip(1);
        let links = links.filter_map(|rest| rest.split([')', '#']).next());
        for link in links.filter(|link| !link.is_empty() && !link.contains("://")) {
            assert!(folder.join(link).exists(), "{document}: no {link}");
        }
        let beginnings = ["crates/", "sidecar/", "tests/", "docs/", "deploy/"];
        let paths = text.split('`').skip(1).step_by(2);
        let paths = paths.filter(|path| beginnings.iter().any(|start| path.starts_with(start)));
        for path in paths.filter(|path| !path.contains([' ', '*', '{', '<', ':'])) {
            assert!(root().join(path).exists(), "{document}: no {path}");
        }
    }
}
