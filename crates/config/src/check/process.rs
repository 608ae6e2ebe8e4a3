//! What of `leeward.yaml` no schema can say.

use std::collections::BTreeMap;

use base64::Engine as _;

use super::Report;
use crate::types::{Address, Process};

/// Checks the process as a whole.
pub(crate) fn check(process: &Process, report: &mut Report<'_>) {
    for (index, key) in process
        .encryption_key
        .iter()
        .flat_map(|keys| keys.iter())
        .enumerate()
    {
        let bytes = base64::engine::general_purpose::STANDARD.decode(key.expose().trim());
        if bytes.is_ok_and(|bytes| bytes.len() == 32) {
            continue;
        }
        let message = "the key must be 32 bytes in base64, as `openssl rand -base64 32` makes them";
        report.fault(&format!("/encryption_key/{index}"), &[], message);
    }
    if process
        .encryption_key
        .as_ref()
        .is_some_and(|keys| keys.is_empty())
    {
        report.fault(
            "/encryption_key",
            &[],
            "an empty list has no key to encrypt with",
        );
    }
    addresses(process, report);
    if process.drain_quiet > process.drain_timeout {
        report.fault(
            "/drain_quiet",
            &["/drain_timeout"],
            "`drain_quiet` must not be more than `drain_timeout`",
        );
    }
    match (&process.intercept.ca_cert, &process.intercept.ca_key) {
        (Some(_), None) | (None, Some(_)) => {
            report.fault(
                "/intercept",
                &["/intercept/ca_cert", "/intercept/ca_key"],
                "`ca_cert` and `ca_key` go together",
            );
        }
        _ => {}
    }
}

/// One address serves one purpose.
fn addresses(process: &Process, report: &mut Report<'_>) {
    let listen = &process.listen;
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (name, list) in [
        ("egress", &listen.egress),
        ("admin", &listen.admin),
        ("telemetry", &listen.telemetry),
    ] {
        for (index, address) in list.iter().enumerate() {
            // Port 0 takes any that is free.
            if matches!(address, Address::Tcp(address) if address.port() == 0) {
                continue;
            }
            if let Some(other) = seen.insert(address.to_string(), name) {
                let pointer = format!("/listen/{name}/{index}");
                report.fault(
                    &pointer,
                    &[],
                    format!("`{address}` is an address of `{other}` already"),
                );
            }
        }
    }
}
