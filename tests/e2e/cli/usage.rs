//! Versions, wrong usage, and readers that go away.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use crate::harness::{binary, leeward};

#[test]
fn the_version_says_what_runs() {
    let ended = leeward(["version"]);
    assert_eq!(ended.code, Some(0));
    let shape = regex::Regex::new(
        r"^leeward \d+\.\d+\.\d+ \((?:[0-9a-f]{7,40}|unknown), [a-z0-9_]+-[a-z0-9_-]+\)\n$",
    )
    .unwrap();
    assert!(shape.is_match(&ended.out), "{}", ended.out);
    assert_eq!(leeward(["--version"]).code, Some(0));
    let help = leeward(["--help"]);
    assert_eq!(help.code, Some(0));
    for command in [
        "run", "demo", "check", "explain", "eval", "map", "schema", "version",
    ] {
        assert!(
            help.out.contains(&format!("\n  {command} ")),
            "{command} is not in\n{}",
            help.out
        );
    }
}

#[test]
fn wrong_usage_ends_with_two() {
    for usage in [
        &[][..],
        &["nonsense"],
        &["--nonsense"],
        &["eval"],
        &["eval", "--expr"],
        &["eval", "--batch", "--expr", "1"],
        &["eval", "--expr", "1", "--time-limit", "soon"],
        &["eval", "--expr", "1", "--memory-limit", "lots"],
        &["eval", "--expr", "1", "--depth-limit", "-1"],
        &["explain", "--config", "."],
        &[
            "map",
            "--config",
            ".",
            "--model",
            "a/b",
            "--provider",
            "p",
            "--operation",
            "get",
            "--phase",
            "middle",
            "--input",
            "-",
        ],
        &["version", "more"],
    ] {
        let ended = leeward(usage);
        assert_eq!(ended.code, Some(2), "{usage:?}: {ended:?}");
        assert!(ended.out.is_empty(), "{ended:?}");
        assert!(!ended.err.is_empty(), "says what would be right");
    }
}

/// Reads one line and goes; what the command says to that.
fn one_line_of(arguments: &[&str], input: &str) -> (String, Option<i32>, String) {
    let mut child = Command::new(binary())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writing = std::thread::spawn(move || {
        let _ = stdin.write_all(input.as_bytes());
    });
    let mut line = String::new();
    let mut out = BufReader::with_capacity(64, child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    drop(out);
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    let code = child.wait().unwrap().code();
    writing.join().unwrap();
    (line, code, said)
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let (line, code, said) = one_line_of(&["schema"], "");
    assert_eq!((line.as_str(), code, said.as_str()), ("{\n", Some(0), ""));
    let lines = "{\"expr\": \"'x' & $string(1)\"}\n".repeat(20_000);
    let (line, code, said) = one_line_of(&["eval", "--batch"], &lines);
    assert_eq!(
        (line.as_str(), code, said.as_str()),
        ("{\"result\":\"x1\"}\n", Some(0), "")
    );
}
