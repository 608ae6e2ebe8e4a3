//! The commands that end by themselves.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::binary;

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Its output as JSON, after it ended well.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Its output, line by line.
    pub fn lines(&self) -> Vec<&str> {
        self.out.lines().collect()
    }
}

/// Runs `leeward` with these arguments.
pub fn leeward(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ended {
    leeward_with(arguments, &[], "")
}

/// The same with variables of the environment, and something to read.
pub fn leeward_with(
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    env: &[(&str, &str)],
    input: &str,
) -> Ended {
    let mut child = Command::new(binary())
        .args(arguments)
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // It may end before it has read all.
    let writing = std::thread::spawn(move || {
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().expect("it ends");
    writing.join().unwrap();
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Runs `leeward` with these arguments, of which it is not sure that they make it end.
pub async fn started(arguments: &[&str]) -> Ended {
    let output = tokio::process::Command::new(binary())
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(std::time::Duration::from_secs(20), output);
    let output = output.await.expect("it ends").expect("the binary starts");
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}
