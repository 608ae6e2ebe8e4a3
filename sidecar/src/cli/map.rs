//! `leeward map`.

use super::Failure;

/// Runs one mapping on one input.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments) -> Result<(), Failure> {
    Err(Failure::internal("unwritten"))
}
