//! What we build on may be used: licences as `deny.toml` allows them, sources only the registry.
//!
//! `cargo deny check` reads the same file and does more; this needs nothing but cargo.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn allowed() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("deny.toml")).expect("deny.toml");
    let list = text
        .split("allow = [")
        .nth(1)
        .and_then(|rest| rest.split(']').next())
        .expect("deny.toml has a list of licences");
    let quoted = |line: &str| line.split('"').nth(1).map(str::to_owned);
    list.lines().filter_map(quoted).collect()
}

/// Whether an SPDX expression can be met with these licences: `OR` needs one side, `AND` both.
fn met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.replace('/', " OR ");
    let bare = |text: &str| {
        text.trim()
            .trim_matches(|c| c == '(' || c == ')')
            .to_owned()
    };
    // AND binds closer than OR in SPDX; the few nested expressions in use read the same flattened
    // to "every AND-part has an allowed OR-part".
    let parts: Vec<&str> = expression.split(" AND ").collect();
    if expression.contains('(') || parts.len() == 1 {
        parts
            .iter()
            .all(|part| part.split(" OR ").any(|one| allowed.contains(&bare(one))))
    } else {
        expression
            .split(" OR ")
            .any(|side| side.split(" AND ").all(|one| allowed.contains(&bare(one))))
    }
}

#[test]
fn licences_and_sources_are_allowed() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--locked"])
        // What other targets need is not on this machine.
        .args(["--filter-platform", env!("LEEWARD_TEST_TARGET")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let allowed = allowed();
    let mut faults = Vec::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(source) = package["source"].as_str() else {
            continue;
        };
        if !source.starts_with("registry+") {
            faults.push(format!("{name} comes from {source}"));
        }
        let licence = package["license"].as_str().unwrap_or("none");
        if !met(licence, &allowed) {
            faults.push(format!("{name} is under {licence}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    let allowed: BTreeSet<String> = ["MIT", "Apache-2.0"].map(String::from).into();
    assert!(met("MIT", &allowed));
    assert!(met("GPL-3.0 OR MIT", &allowed));
    assert!(met("MIT/Apache-2.0", &allowed));
    assert!(met("(MIT OR GPL-3.0) AND Apache-2.0", &allowed));
    assert!(!met("MIT AND GPL-3.0", &allowed));
    assert!(!met("GPL-3.0", &allowed));
}
