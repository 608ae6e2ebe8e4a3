//! What only several files together can get wrong.

use std::collections::BTreeMap;

use super::read::Read;
use crate::check::{self, Report, nearest};
use crate::types::{Account, Destination, Model, Provider};

/// All files but `leeward.yaml`.
pub(super) struct All {
    pub(super) providers: Vec<Read<Provider>>,
    pub(super) accounts: Vec<Read<Account>>,
    pub(super) models: Vec<Read<Model>>,
    pub(super) destinations: Vec<Read<Destination>>,
}

impl All {
    /// Checks names against each other.
    pub(super) fn check(&mut self) {
        unique(&mut self.providers, "provider");
        unique(&mut self.accounts, "account");
        unique(&mut self.models, "model");
        unique(&mut self.destinations, "destination");
        self.accounts_have_providers();
        self.probes_have_accounts();
    }

    fn accounts_have_providers(&mut self) {
        for read in &mut self.accounts {
            let Some(account) = &read.typed else { continue };
            let mut report = Report::new(&read.root, &mut read.out);
            match self
                .providers
                .iter()
                .find(|provider| provider.name == *account.provider)
            {
                None => {
                    let hint = nearest(
                        &account.provider,
                        self.providers.iter().map(|provider| provider.name.as_str()),
                    )
                    .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                    let message = format!("there is no provider `{}`{hint}", account.provider);
                    report.fault("/provider", &[], message);
                }
                // One that is at fault itself says nothing about accounts.
                Some(provider) => {
                    if let Some(provider) = provider
                        .typed
                        .as_ref()
                        .filter(|_| provider.out.faults.is_empty())
                    {
                        check::account::check(account, provider, &mut report);
                    }
                }
            }
        }
    }

    fn probes_have_accounts(&mut self) {
        let owners: BTreeMap<&str, &str> = self
            .accounts
            .iter()
            .filter_map(|read| read.typed.as_ref())
            .map(|account| (&*account.account, &*account.provider))
            .collect();
        for read in &mut self.providers {
            let Some(provider) = &read.typed else {
                continue;
            };
            let Some(id) = provider
                .probe
                .as_ref()
                .and_then(|probe| probe.account.as_ref())
            else {
                continue;
            };
            let mut report = Report::new(&read.root, &mut read.out);
            match owners.get(&**id) {
                Some(owner) if **owner == *provider.provider => {}
                Some(owner) => {
                    let message = format!("`{id}` is an account of provider `{owner}`");
                    report.fault("/probe/account", &["/provider"], message);
                }
                // It may come by the admin API.
                None => report.warn(
                    "/probe/account",
                    format!("`{id}` is none of the static accounts"),
                ),
            }
        }
    }
}

/// Of two files with one name the later is at fault.
fn unique<T>(files: &mut [Read<T>], key: &str) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for read in files {
        if read.root.get(key).is_none() {
            continue;
        }
        let file = read.root.span.document.name.clone();
        match seen.get(&read.name) {
            Some(first) => {
                let message = format!("{key} `{}` is in {first} already", read.name);
                Report::new(&read.root, &mut read.out).fault(&format!("/{key}"), &[], message);
            }
            None => {
                seen.insert(read.name.clone(), file);
            }
        }
    }
}
