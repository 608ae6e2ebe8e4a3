#![doc = include_str!("../README.md")]

mod body;
mod caller;
mod collect;
mod encode;
mod error;
mod evaluate;
mod failure;
mod future;
mod headers;
mod input;
mod layer;
mod operation;
mod request;
mod resources;
mod response;
mod service;
mod unified;

pub use body::{MappedBody, MappedResponseBody};
pub use caller::Caller;
pub use error::{BoxError, MappingError, ParseError};
pub use failure::Failure;
pub use layer::MappingLayer;
pub use operation::{BodyFormat, ErrorTest, ListStyle, OnItemError, Operation};
pub use request::MappedRequest;
pub use resources::{Resources, Settings};
pub use response::{Mapped, VendorAnswer};
pub use service::{Mapping, ResponseFuture};
pub use unified::Unified;
