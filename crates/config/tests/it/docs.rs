//! What is generated is what is kept in `docs/`.

use std::path::PathBuf;
use std::{env, fs};

use serde_json::Value;

#[test]
fn the_reference_is_current() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let wanted = leeward_config::reference();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/configuration.md is stale: run the tests with UPDATE_DOCS=1"
    );
}

#[test]
fn every_key_has_a_line() {
    let reference = leeward_config::reference();
    let undocumented: Vec<&str> = reference
        .lines()
        .filter(|line| line.starts_with("| `") && line.ends_with("|  |") && !line.contains(".*`"))
        .collect();
    // What another crate's schema says in the line above, or the name of a variant says itself.
    let known = ["on_limit.wait", "`exists`", "`regex`", "`in`"];
    let left: Vec<&&str> = undocumented
        .iter()
        .filter(|line| !known.iter().any(|known| line.contains(known)))
        .collect();
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn the_schema_names_its_parts() {
    let schema = leeward_config::schema();
    for name in ["Process", "Provider", "Account", "Model", "Destination"] {
        assert!(schema["$defs"][name]["properties"].is_object(), "{name}");
    }
    // Each reference leads somewhere, and no format of ours has the name of another's.
    fn visit(value: &Value, root: &Value) {
        match value {
            Value::Object(object) => {
                if let Some(name) = object.get("$ref").and_then(Value::as_str) {
                    assert!(
                        root.pointer(name.trim_start_matches('#')).is_some(),
                        "{name}"
                    );
                }
                assert_ne!(object.get("format"), Some(&Value::from("duration")));
                object.values().for_each(|value| visit(value, root));
            }
            Value::Array(list) => list.iter().for_each(|value| visit(value, root)),
            _ => {}
        }
    }
    visit(&schema, &schema);
}
