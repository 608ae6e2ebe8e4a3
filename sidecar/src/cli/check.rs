//! `leeward check`.

use super::{ConfigDir, Failure};

/// Validates everything: schema, templates, expressions, secrets present, references.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigDir,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let dir = &arguments.config.dir;
    if !dir.is_dir() {
        return Err(Failure::Input(format!("{} is no folder", dir.display())));
    }
    let loaded = crate::load(dir, &arguments.config.overrides);
    for warning in &loaded.warnings {
        super::print(&format!("{warning} (warning)"))?;
    }
    for fault in &loaded.faults {
        super::print(&fault.to_string())?;
    }
    if loaded.faults.is_empty() {
        Ok(())
    } else {
        let count = loaded.faults.len();
        eprintln!(
            "leeward: {count} fault{}",
            if count == 1 { "" } else { "s" }
        );
        Err(Failure::Said)
    }
}
