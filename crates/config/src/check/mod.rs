//! A tree against the schema of its kind of file, then what a schema cannot say.

pub(crate) mod account;
mod assemble;
mod format;
mod operation;
pub(crate) mod process;
pub(crate) mod provider;
mod report;
mod templates;
mod union;
mod url;
mod walk;
mod words;

pub(crate) use report::{Out, Report};
use url::host_is_templated;
pub(crate) use walk::check;
pub(crate) use words::nearest;
