//! The vendors of the demo, and the provider files that describe them to Leeward.

use std::sync::Arc;
use std::time::Duration;

use leeward_vendors::{
    Dialect, Entry, Fragile, Grant, Grants, Outage, Rotating, Server, SlowDown, Stumbling, Torn,
};

use super::DemoError;
use super::client::{Session, Target};
use super::sidecar::Sidecar;

/// One vendor that runs.
#[derive(Debug)]
pub struct Vendor {
    /// Also the provider's name.
    pub name: &'static str,
    /// For the table.
    pub trouble: &'static str,
    /// The provider file; `BASE_URL` stands for the address.
    file: &'static str,
    server: Server,
    grants: Option<Arc<Grants>>,
}

/// All vendors of one side.
#[derive(Debug)]
pub struct Scene {
    vendors: Vec<Vendor>,
}

impl Scene {
    /// Starts the vendors; what they do when is measured from now.
    pub async fn start(seed: u64, length: Duration) -> Result<Self, DemoError> {
        let listen = || DemoError::io("cannot start a simulated vendor on 127.0.0.1");
        let at = |share: f64| length.mul_f64(share);
        let second = Duration::from_secs(1);
        let grants = Arc::new(Grants::new(
            seed,
            Duration::from_secs(4),
            Duration::from_millis(150),
        ));
        let rotating = Server::start(Rotating::new(Arc::clone(&grants)));
        // The load is some 40 requests a second: what is counted here comes every few seconds.
        let forbidden = Server::start(SlowDown::new(
            Dialect::ForbiddenWithCode,
            60,
            second * 2 / 5,
        ));
        let epoch = Server::start(SlowDown::new(Dialect::EpochInHeader, 60, second * 2 / 5));
        // Not before every record was read once.
        let gone = at(0.3).max(2 * second);
        let away = gone..gone + (6 * second).min(at(0.2));
        let slow = at(0.7)..at(0.7) + (4 * second).min(at(0.15));
        let outage = Server::start(Outage::new(away, slow, 3 * second));
        let torn = Server::start(Torn::new(seed, 25));
        let stumbles = Server::start(Stumbling::new(seed, 10, gone));
        let fragile = Server::start(Fragile::new(4, second / 10, second / 4));
        let vendor = |name, trouble, file, server| Vendor {
            name,
            trouble,
            file,
            server,
            grants: None,
        };
        let mut vendors = vec![
            vendor(
                "rotating",
                "tokens of 4 s; a refresh token that is used twice revokes the grant",
                include_str!("providers/rotating.yaml"),
                rotating.await.map_err(listen())?,
            ),
            vendor(
                "forbids",
                "says \"slow down\" with a 403 whose body has a code",
                include_str!("providers/forbids.yaml"),
                forbidden.await.map_err(listen())?,
            ),
            vendor(
                "epochs",
                "says \"slow down\" with a 429 and an epoch in a header of its own",
                include_str!("providers/epochs.yaml"),
                epoch.await.map_err(listen())?,
            ),
            vendor(
                "outage",
                "is away for some seconds, and later answers after 3 s for some",
                include_str!("providers/outage.yaml"),
                outage.await.map_err(listen())?,
            ),
            vendor(
                "torn",
                "breaks off one answer in 25",
                include_str!("providers/torn.yaml"),
                torn.await.map_err(listen())?,
            ),
            vendor(
                "stumbles",
                "answers one read in 10 with a 500",
                include_str!("providers/stumbles.yaml"),
                stumbles.await.map_err(listen())?,
            ),
            vendor(
                "fragile",
                "collapses when more than 4 calls are under way",
                include_str!("providers/fragile.yaml"),
                fragile.await.map_err(listen())?,
            ),
        ];
        if let Some(rotating) = vendors.first_mut() {
            rotating.grants = Some(grants);
        }
        Ok(Self { vendors })
    }

    /// The vendors, in the order of the table.
    pub fn vendors(&self) -> &[Vendor] {
        &self.vendors
    }

    /// Where a client goes that calls them itself.
    pub fn targets_direct(&self) -> Vec<(&'static str, Target)> {
        let target = |vendor: &Vendor| {
            let url = vendor.server.url();
            let session = vendor
                .grants
                .as_ref()
                .map(|grants| Arc::new(Session::new(Arc::clone(grants), format!("{url}/token"))));
            (vendor.name, Target { url, session })
        };
        self.vendors.iter().map(target).collect()
    }

    /// Where a client goes that has a Leeward.
    pub fn targets_through(&self, sidecar: &Sidecar) -> Vec<(&'static str, Target)> {
        let target = |vendor: &Vendor| {
            let url = format!("http://{}/proxy/{}", sidecar.egress(), vendor.name);
            (vendor.name, Target { url, session: None })
        };
        self.vendors.iter().map(target).collect()
    }
}

impl Vendor {
    /// The provider file, with the address that the vendor listens on.
    pub fn provider_file(&self) -> String {
        self.file.replace("BASE_URL", &self.server.url())
    }

    /// The grant that its account begins with, if it has accounts.
    pub fn log_in(&self) -> Option<Grant> {
        self.grants.as_ref().map(|grants| grants.log_in())
    }

    /// How long a token of its lives, in seconds.
    pub fn token_seconds(&self) -> u64 {
        self.grants
            .as_ref()
            .map_or(0, |grants| grants.lifetime().as_secs())
    }

    /// Calls to its token endpoint.
    pub fn token_calls(&self) -> u64 {
        self.server.books().read(Entry::TokenCalls)
    }
}
