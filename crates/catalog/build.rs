//! Lists the files of `providers/`, so that no provider's name stands in code.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let providers = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("providers");
    println!("cargo::rerun-if-changed={}", providers.display());
    let mut files = std::fs::read_dir(&providers)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<PathBuf>, _>>()?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    let mut list = String::from("&[");
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        write!(
            list,
            "Entry {{ name: {name:?}, text: include_str!({:?}) }},",
            file.display().to_string()
        )?;
    }
    list.push(']');
    let out = Path::new(&std::env::var("OUT_DIR")?).join("entries.rs");
    std::fs::write(out, list)?;
    Ok(())
}
