//! All sockets of the process, bound before anything else is done.

use leeward_config::types::{Address, Listen, OneOrMany};
use serde_json::{Value, json};

use super::bind::{BindError, Bound};

/// The sockets of each listener.
#[derive(Debug)]
pub struct Sockets {
    /// For applications.
    pub egress: Vec<Bound>,
    /// For operators.
    pub admin: Vec<Bound>,
    /// For whoever watches.
    pub telemetry: Vec<Bound>,
}

impl Sockets {
    /// Binds them all. What connects before they are served waits.
    ///
    /// # Errors
    /// The first address that cannot be listened on.
    pub async fn bind(listen: &Listen) -> Result<Self, BindError> {
        Ok(Self {
            egress: bind(&listen.egress).await?,
            admin: bind(&listen.admin).await?,
            telemetry: bind(&listen.telemetry).await?,
        })
    }

    /// The addresses in use, one or a list for each listener.
    pub fn addresses(&self) -> Value {
        let of = |bound: &[Bound]| match bound {
            [one] => Value::from(one.address()),
            several => several.iter().map(Bound::address).collect(),
        };
        json!({
            "egress": of(&self.egress),
            "admin": of(&self.admin),
            "telemetry": of(&self.telemetry),
        })
    }
}

async fn bind(addresses: &OneOrMany<Address>) -> Result<Vec<Bound>, BindError> {
    let mut bound = Vec::with_capacity(addresses.0.len());
    for address in &addresses.0 {
        bound.push(Bound::bind(address).await?);
    }
    Ok(bound)
}
