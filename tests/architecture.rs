//! The picture of the crates in ARCHITECTURE.md and the arrows in the code are the same.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

type Arrow = (String, String);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests stand in the workspace")
        .to_owned()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata failed");
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

/// The normal dependencies between our crates, without the prefix `leeward-`.
fn arrows_in_code() -> BTreeSet<Arrow> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let short = |name: &str| {
        name.strip_prefix("leeward-")
            .unwrap_or("sidecar")
            .to_owned()
    };
    let ours: BTreeSet<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let mut arrows = BTreeSet::new();
    for package in packages {
        let from = package["name"].as_str().expect("a name");
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let to = dependency["name"].as_str().expect("a name");
            // Dev-dependencies prove, they do not shape.
            if dependency["kind"].is_null() && ours.contains(to) {
                arrows.insert((short(from), short(to)));
            }
        }
    }
    arrows
}

/// The lines `from --> to` of the Mermaid picture.
fn arrows_in_picture() -> BTreeSet<Arrow> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let picture = text
        .split("```mermaid")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("ARCHITECTURE.md has a mermaid picture");
    let mut arrows = BTreeSet::new();
    for line in picture.lines() {
        let Some((from, tos)) = line.split_once("-->") else {
            continue;
        };
        for to in tos.split('&') {
            arrows.insert((from.trim().to_owned(), to.trim().to_owned()));
        }
    }
    arrows
}

#[test]
fn the_picture_is_the_code() {
    let (code, picture) = (arrows_in_code(), arrows_in_picture());
    let unseen: Vec<_> = code.difference(&picture).collect();
    let gone: Vec<_> = picture.difference(&code).collect();
    assert!(
        unseen.is_empty() && gone.is_empty(),
        "arrows in the code that ARCHITECTURE.md does not show: {unseen:?}\n\
         arrows in ARCHITECTURE.md that the code does not have: {gone:?}"
    );
}

#[test]
fn layers_know_nothing_of_each_other() {
    const LAYERS: [&str; 6] = [
        "auth-refresh",
        "rate-limit-normalize",
        "circuit-breaker",
        "bulkhead",
        "retry",
        "fallback",
    ];
    let between: Vec<_> = arrows_in_code()
        .into_iter()
        .filter(|(from, to)| LAYERS.contains(&from.as_str()) && to != "deadline")
        .collect();
    assert!(
        between.is_empty(),
        "a layer uses more than the deadline: {between:?}"
    );
}

#[test]
fn every_crate_has_a_readme_and_every_layer_an_example() {
    let crates = std::fs::read_dir(root().join("crates")).expect("crates/");
    for entry in crates {
        let folder = entry.expect("an entry").path();
        assert!(
            folder.join("README.md").exists(),
            "{} has no README.md",
            folder.display()
        );
    }
    for layer in [
        "auth-refresh",
        "bulkhead",
        "circuit-breaker",
        "deadline",
        "fallback",
        "mapping",
        "rate-limit-normalize",
        "retry",
        "upstream",
    ] {
        let examples = root().join("crates").join(layer).join("examples");
        let some = examples
            .read_dir()
            .is_ok_and(|mut files| files.next().is_some());
        assert!(some, "{layer} has no example");
    }
}
