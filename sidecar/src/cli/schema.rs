//! `leeward schema`.

use super::{Failure, print};

pub(super) fn run() -> Result<(), Failure> {
    let schema = leeward_config::schema();
    print(&serde_json::to_string_pretty(&schema).map_err(Failure::internal)?)
}
