//! What a change of the directory changes.

use std::fs;
use std::os::unix::fs::symlink;

use leeward_config::digest;
use leeward_config::types::Address;

use crate::support::Dir;

const A: &str = "provider: a\nbase_url: https://a.example\n";

#[test]
fn the_digest_is_that_of_what_was_read() {
    let dir = Dir::with(&[
        ("leeward.yaml", "drain_quiet: 2s\n"),
        ("providers/a.yaml", A),
        ("accounts/.tmp.yaml", "x"),
    ]);
    let first = dir.load();
    assert_eq!(digest(dir.path(), &first.watched), first.digest);
    // Files that are none of the configuration change nothing.
    dir.write("providers/a.yaml~", "x");
    dir.write("providers/README.md", "x");
    dir.write("accounts/.tmp.yaml", "y");
    assert_eq!(digest(dir.path(), &first.watched), first.digest);
    // A content, a new file, a removed one do; the same content again is the same digest.
    dir.write("providers/a.yaml", &format!("{A}# a comment\n"));
    let second = dir.load();
    assert_ne!(second.digest, first.digest);
    assert_eq!(
        second.providers[0].version, first.providers[0].version,
        "a comment is no other configuration"
    );
    dir.write("providers/a.yaml", A);
    assert_eq!(digest(dir.path(), &first.watched), first.digest);
    dir.write(
        "providers/b.yaml",
        "provider: b\nbase_url: https://b.example\n",
    );
    assert_ne!(digest(dir.path(), &first.watched), first.digest);
    fs::remove_file(dir.join("providers/b.yaml")).unwrap();
    assert_eq!(digest(dir.path(), &first.watched), first.digest);
}

#[test]
fn a_config_map_is_swapped() {
    let dir = Dir::with(&[
        ("providers/..2026_01/a.yaml", A),
        (
            "providers/..2026_02/a.yaml",
            "provider: a\nbase_url: https://new.example\n",
        ),
    ]);
    symlink("..2026_01", dir.join("providers/..data")).unwrap();
    symlink("..data/a.yaml", dir.join("providers/a.yaml")).unwrap();
    let first = dir.load();
    assert_eq!((first.providers.len(), first.faults.len()), (1, 0));
    symlink("..2026_02", dir.join("providers/..data_tmp")).unwrap();
    fs::rename(
        dir.join("providers/..data_tmp"),
        dir.join("providers/..data"),
    )
    .unwrap();
    assert_ne!(digest(dir.path(), &first.watched), first.digest);
    let second = dir.load();
    assert_ne!(second.providers[0].version, first.providers[0].version);
    let base = &second.providers[0].result.as_ref().unwrap().base_url;
    assert_eq!(base.is_literal(), Some("https://new.example"));
}

#[test]
fn versions_tell_contents_apart() {
    let dir = Dir::with(&[
        (
            "providers/a.yaml",
            "provider: a\nbase_url: https://a.example\n",
        ),
        (
            "providers/b.yaml",
            "base_url: 'https://a.example'   # the same\nprovider: \"a\"\n",
        ),
        (
            "providers/c.yaml",
            "provider: a\nbase_url: https://c.example\n",
        ),
    ]);
    let loaded = dir.load();
    let versions: Vec<&str> = loaded
        .providers
        .iter()
        .map(|source| source.version.as_str())
        .collect();
    assert_eq!(versions[0], versions[1]);
    assert_ne!(versions[0], versions[2]);
    assert!(versions[0].len() == 12 && versions[0].bytes().all(|b| b.is_ascii_hexdigit()));
}

#[test]
fn overrides_lie_over_the_file() {
    let dir = Dir::with(&[(
        "leeward.yaml",
        "listen: {egress: 127.0.0.1:1}\nlimits: {max_connections: 7}\n",
    )]);
    let process = dir
        .load_with(&[
            ("listen.egress", "127.0.0.1:0"),
            ("listen.admin", "[unix:/run/a.sock, 127.0.0.1:0]"),
            ("admin_token", "12345"),
            ("store", "sqlite::memory:"),
            ("limits.header_timeout", "2s"),
        ])
        .process
        .unwrap();
    assert_eq!(
        process.listen.egress.0,
        [Address::Tcp("127.0.0.1:0".parse().unwrap())]
    );
    assert_eq!(
        process.listen.admin.0[0],
        Address::Unix("/run/a.sock".into())
    );
    assert_eq!(process.admin_token.unwrap().expose(), "12345");
    assert_eq!(
        (
            process.limits.max_connections,
            process.limits.header_timeout.as_secs()
        ),
        (7, 2)
    );
}

#[test]
fn what_cannot_be_read_is_said() {
    let dir = Dir::with(&[]);
    symlink("nowhere", dir.join("leeward.yaml")).unwrap();
    fs::create_dir(dir.join("providers")).unwrap();
    fs::write(
        dir.join("providers/latin.yaml"),
        b"provider: x\nname: caf\xe9\n",
    )
    .unwrap();
    symlink("/dev/zero", dir.join("providers/zero.yaml")).unwrap();
    let loaded = dir.load();
    assert_eq!(
        dir.shown(&loaded.faults),
        [
            "leeward.yaml:1:1: there is none",
            "providers/latin.yaml:2:10: it is not UTF-8",
            "providers/zero.yaml:1:1: it is no regular file",
        ]
    );
    let missing = leeward_config::load(&dir.join("no"), &[], &|_| None);
    assert!(
        missing.faults[0]
            .message
            .starts_with("the directory cannot be read"),
        "{:?}",
        missing.faults
    );
}

#[test]
fn a_broken_provider_leaves_the_others() {
    let dir = Dir::with(&[
        ("providers/a.yaml", A),
        ("providers/b.yaml", "provider: b\nbase_url: 1\n"),
    ]);
    let loaded = dir.load();
    assert!(loaded.process.is_ok() && loaded.providers[0].result.is_ok());
    let faults = loaded.providers[1].result.as_ref().unwrap_err();
    assert_eq!((faults.len(), faults[0].pointer.as_str()), (1, "/base_url"));
}
