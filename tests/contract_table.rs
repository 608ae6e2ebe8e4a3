//! docs/layer-contract.md and the tests that it names are the same.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The crates that hold layers; the sidecar has small ones of its own.
const LAYERS: [&str; 8] = [
    "auth-refresh",
    "bulkhead",
    "circuit-breaker",
    "deadline",
    "fallback",
    "mapping",
    "rate-limit-normalize",
    "retry",
];
/// What each layer owes.
const OBLIGATIONS: usize = 6;

/// A layer's line: its crate, and a cell for each obligation.
struct Row {
    folder: PathBuf,
    layer: String,
    cells: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests stand in the workspace")
        .to_owned()
}

fn rows() -> Vec<Row> {
    let path = root().join("docs/layer-contract.md");
    let text = std::fs::read_to_string(path).expect("docs/layer-contract.md");
    let lines = text.lines().filter(|line| line.starts_with("| ["));
    lines
        .map(|line| {
            let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
            let layer = cells.next().expect("a layer").to_owned();
            let link = layer
                .split(['(', ')'])
                .nth(1)
                .expect("a link to its folder");
            let folder = link
                .trim_start_matches("../")
                .trim_end_matches("/src/stack");
            Row {
                folder: root().join(folder),
                layer,
                cells: cells.map(str::to_owned).collect(),
            }
        })
        .collect()
}

/// The paths of tests in a cell: what stands in backticks and has a `::`.
fn tests_in(cell: &str) -> impl Iterator<Item = &str> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.filter(|text| text.contains("::"))
}

/// Every Rust file of a crate.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.join("src"), folder.join("tests")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = folder.read_dir() else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file");
                found.push((path, text));
            }
        }
    }
    found
}

/// The names of the functions of a file that are marked as tests.
fn test_functions(text: &str) -> BTreeSet<&str> {
    let mut marked = false;
    let mut names = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") {
            marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        } else {
            let name = line
                .trim_start_matches("async ")
                .strip_prefix("fn ")
                .and_then(|rest| rest.split('(').next());
            if let Some(name) = name.filter(|_| marked) {
                names.insert(name);
            }
            marked = false;
        }
    }
    names
}

/// Whether a crate has this test: its name, in a file to which its modules lead.
fn exists(sources: &[(PathBuf, String)], test: &str) -> bool {
    let (modules, name) = test.rsplit_once("::").expect("a path");
    sources.iter().any(|(path, text)| {
        let path = path.with_extension("");
        let leads = |module: &str| {
            path.iter().any(|part| part == module) || text.contains(&format!("mod {module} {{"))
        };
        test_functions(text).contains(name) && modules.split("::").all(leads)
    })
}

#[test]
fn every_named_test_exists() {
    for row in rows() {
        let sources = sources(&row.folder);
        for test in row.cells.iter().flat_map(|cell| tests_in(cell)) {
            assert!(exists(&sources, test), "{}: no test {test}", row.layer);
        }
    }
}

#[test]
fn every_cell_names_a_test_or_says_why_there_is_none() {
    for Row { layer, cells, .. } in rows() {
        assert_eq!(cells.len(), OBLIGATIONS, "{layer}: {cells:?}");
        for cell in cells {
            let reason = cell
                .strip_prefix("– ")
                .is_some_and(|reason| !reason.is_empty());
            assert!(reason || tests_in(&cell).count() > 0, "{layer}: {cell:?}");
        }
    }
}

#[test]
fn every_layer_and_every_contract_test_stands_in_the_table() {
    let rows = rows();
    let crates = root().join("crates");
    for layer in LAYERS {
        let folder = crates.join(layer);
        let of_layer: Vec<_> = rows.iter().filter(|row| row.folder == folder).collect();
        assert!(!of_layer.is_empty(), "{layer} is not in the table");
        let cells = of_layer.iter().flat_map(|row| &row.cells);
        let named: BTreeSet<_> = cells
            .flat_map(|cell| tests_in(cell))
            .filter_map(|test| test.rsplit("::").next())
            .collect();
        for (path, text) in sources(&folder) {
            for test in test_functions(&text) {
                let unnamed = test.starts_with("contract_") && !named.contains(test);
                assert!(!unnamed, "{}: {test} is not in the table", path.display());
            }
        }
    }
    assert!(rows.iter().any(|row| row.folder == root().join("sidecar")));
}
