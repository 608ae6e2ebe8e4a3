#![doc = include_str!("../README.md")]

mod batch;
mod bindings;
mod engine;
mod fault;
mod functions;
mod limits;
mod measure;
mod scope;
mod template;

pub use batch::evaluate_line;
pub use bindings::{Bindings, ReservedName};
pub use engine::Expression;
pub use fault::Fault;
pub use limits::Limits;
pub use scope::Scope;
pub use template::{Names, Place, RenderFault, Rendered, Template, TemplateFault};
