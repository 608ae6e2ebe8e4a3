//! Request bodies that can be sent again.

mod body;
mod hold;
mod kept;
mod once;
mod shared;
#[cfg(test)]
mod tests;

pub(crate) use body::Keep;
pub use body::ReplayBody;
pub(crate) use kept::Kept;
pub use once::Unsent;
