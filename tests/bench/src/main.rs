//! Leeward beside a thin reverse proxy: CPU per request, added latency, resident memory.
//!
//! See the README of this folder for how it measures.

mod load;
mod origin;
mod process;
mod report;
mod thin;

use std::time::Duration;

use process::{Proxy, Role};
use report::{Measured, Report};

/// Connections of the closed loop, and the most of the open one.
const CONNECTIONS: usize = 64;
/// Requests a second of the open loop.
const RATE: u32 = 2_000;

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["origin"] => origin::run().await,
        ["thin", origin] => thin::run(origin.parse()?).await,
        _ => {
            compare(
                option(&words, "--rounds", 7)?,
                option(&words, "--seconds", 2)?,
            )
            .await
        }
    }
}

fn option(words: &[&str], name: &str, otherwise: u32) -> Result<u32, Error> {
    match words.iter().position(|word| *word == name) {
        None => Ok(otherwise),
        Some(place) => match words.get(place + 1) {
            Some(value) => Ok(value.parse()?),
            None => Err(format!("{name} needs a number").into()),
        },
    }
}

async fn compare(rounds: u32, seconds: u32) -> Result<(), Error> {
    let origin = Proxy::start(Role::Origin).await?;
    let proxies = [
        Proxy::start(Role::Thin(origin.address())).await?,
        Proxy::start(Role::Leeward(origin.address())).await?,
        Proxy::start(Role::Thin(origin.address())).await?,
    ];
    let length = Duration::from_secs(seconds.into());
    let mut report = Report::new(["thin", "leeward", "thin again"]);
    for (row, proxy) in proxies.iter().enumerate() {
        report.idle(row, proxy.resident()?);
    }
    for proxy in &proxies {
        load::closed(proxy, CONNECTIONS, length / 2).await?;
    }
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for (row, proxy) in proxies.iter().enumerate() {
            let saturated = load::closed(proxy, CONNECTIONS, length).await?;
            let paced = load::open(proxy, CONNECTIONS, RATE, length).await?;
            report.add(row, Measured { saturated, paced });
        }
    }
    let direct = load::open(&origin, CONNECTIONS, RATE, length).await?;
    for (row, proxy) in proxies.iter().enumerate() {
        report.after(row, proxy.resident()?);
    }
    report.print(direct.p50);
    Ok(())
}
