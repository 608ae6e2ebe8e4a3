#![doc = include_str!("../README.md")]

mod adopt;
mod answer;
mod basic;
mod facts;
mod inputs;
mod lifetime;
mod merge;
mod params;
mod placements;
mod prepared;
mod protocol;
mod provider;
mod refusal;
mod request;
mod scheme;
mod scrub;
mod secrets;
mod transport;

pub use adopt::{AdoptFault, Adopted};
pub use answer::{Answer, TokenAnswer};
pub use basic::Basic;
pub use facts::{cookies, headers};
pub use inputs::Inputs;
pub use leeward_auth_refresh::Incomplete;
pub use params::{Params, Tree};
pub use placements::{Placement, Placements, Where};
pub use prepared::Prepared;
pub use protocol::{Providers, SchemeProtocol};
pub use provider::{ProviderAuth, SetupFault};
pub use refusal::Refusal;
pub use request::Ask;
pub use scheme::{Bearer, BodyForm, ClientAuth, Read, Scheme, TokenEndpoint, TokenResponse};
pub use secrets::{Map, Secrets, TokenSet};
pub use transport::{MAX_ANSWER, TokenCall, Transport, TransportError};
