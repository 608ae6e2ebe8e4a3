//! Checks a directory of configuration and prints every fault of every file.
//!
//! `cargo run -p leeward-config --example check -- DIR`; without a directory it makes a faulty one.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let given = env::args_os().nth(1).map(PathBuf::from);
    let made = tempfile::tempdir()?;
    let dir = match &given {
        Some(dir) => dir.as_path(),
        None => {
            faulty(made.path())?;
            made.path()
        }
    };
    let loaded = leeward_config::load(dir, &[], &|name| env::var(name).ok());
    for fault in &loaded.faults {
        println!("{fault}");
    }
    for warning in &loaded.warnings {
        println!("{warning} (warning)");
    }
    for provider in &loaded.providers {
        let state = if provider.result.is_ok() {
            "good"
        } else {
            "left out"
        };
        println!("provider {} {}: {state}", provider.name, provider.version);
    }
    Ok(())
}

fn faulty(dir: &Path) -> io::Result<()> {
    fs::create_dir(dir.join("providers"))?;
    fs::write(
        dir.join("providers/weather.yaml"),
        "provider: weather\nbase_url: https://api.weather.example\nretry: {max_attemps: 3}\ntimeout: {connect: 3}\n\
         rate_limit:\n  rules:\n    - {id: burst, when: {jsonata: '$number(headers.`x-left` < 1'}}\n",
    )?;
    fs::write(
        dir.join("providers/maps.yaml"),
        "provider: maps\nbase_url: https://maps.example\n",
    )
}
