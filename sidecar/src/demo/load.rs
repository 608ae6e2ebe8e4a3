//! The load: a few workers per vendor and side, the same requests on both sides.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::client::{Client, Target};
use super::live::Live;
use super::tally::{Kind, Side, Tally};

/// Workers per vendor and side.
const WORKERS: u64 = 8;
/// The records that are read.
const RECORDS: u64 = 20;
/// The longest pause between two requests of one worker.
const PAUSE: Duration = Duration::from_millis(400);

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// No request begins after this.
    pub length: Duration,
    /// What the requests are drawn from.
    pub seed: u64,
    /// Whether to show what happens.
    pub live: bool,
}

/// Runs both sides at once; the tallies come back in the order of the targets.
pub async fn run(
    plan: Plan,
    sides: [(Side, Vec<(&'static str, Target)>); 2],
) -> [Vec<Arc<Tally>>; 2] {
    let began = Instant::now();
    let mut workers = JoinSet::new();
    let mut names = Vec::new();
    let tallies = sides.map(|(side, targets)| {
        targets
            .into_iter()
            .enumerate()
            .map(|(vendor, (name, target))| {
                if side == Side::Direct {
                    names.push(name);
                }
                let tally = Arc::new(Tally::default());
                let client = Client::new(target);
                for worker in 0..WORKERS {
                    let seed = plan.seed ^ ((vendor as u64) << 32) ^ (worker << 48);
                    workers.spawn(work(
                        client.clone(),
                        Arc::clone(&tally),
                        plan.length,
                        began,
                        (seed, worker),
                    ));
                }
                tally
            })
            .collect::<Vec<_>>()
    });
    let mut live = Live::new(plan.live, names, plan.length);
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    loop {
        tokio::select! {
            joined = workers.join_next() => {
                if joined.is_none() {
                    break;
                }
            }
            _ = tick.tick() => live.draw(began.elapsed(), &tallies),
        }
    }
    live.end(&tallies);
    tallies
}

async fn work(
    client: Client,
    tally: Arc<Tally>,
    length: Duration,
    began: Instant,
    (seed, worker): (u64, u64),
) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut turn = 0;
    loop {
        let pause = PAUSE.mul_f64(random.f64());
        tokio::time::sleep(pause).await;
        if began.elapsed() >= length {
            return;
        }
        // Every record is read once at the beginning, as an application does that fills its screens.
        let first = worker + turn * WORKERS;
        turn += 1;
        let kind = if first >= RECORDS && random.f64() < 0.25 {
            Kind::Write
        } else {
            Kind::Read
        };
        let number = match kind {
            Kind::Read if first < RECORDS => first,
            Kind::Read => random.u64(0..RECORDS),
            Kind::Write => random.u64(..),
        };
        let ended = client.call(kind, number).await;
        let second = usize::try_from(began.elapsed().as_secs()).unwrap_or(0);
        tally.add(kind, ended, second);
    }
}
