//! Medians, ratios per round, and the table.

use crate::load::{Paced, Saturated};

/// One proxy's round.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// At saturation.
    pub saturated: Saturated,
    /// At a steady rate.
    pub paced: Paced,
}

/// All rounds of all proxies; the first is the baseline.
#[derive(Debug)]
pub struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: &'static str,
    idle: u64,
    after: u64,
    rounds: Vec<Measured>,
}

impl Report {
    /// An empty table.
    pub fn new(names: [&'static str; 3]) -> Self {
        let row = |name| Row {
            name,
            idle: 0,
            after: 0,
            rounds: Vec::new(),
        };
        Self {
            rows: names.map(row).into(),
        }
    }

    /// Resident KiB before any load.
    pub fn idle(&mut self, row: usize, kib: u64) {
        if let Some(row) = self.rows.get_mut(row) {
            row.idle = kib;
        }
    }

    /// Resident KiB after the last round.
    pub fn after(&mut self, row: usize, kib: u64) {
        if let Some(row) = self.rows.get_mut(row) {
            row.after = kib;
        }
    }

    /// A round.
    pub fn add(&mut self, row: usize, measured: Measured) {
        if let Some(row) = self.rows.get_mut(row) {
            row.rounds.push(measured);
        }
    }

    /// Prints the table; `direct` is the median without any proxy, in milliseconds.
    pub fn print(&self, direct: f64) {
        let Some(base) = self.rows.first() else {
            return;
        };
        println!(
            "\n{:<11} {:>11} {:>9} {:>8} {:>11} {:>9} {:>9} {:>9} {:>9} {:>8} {:>8}",
            "proxy",
            "µs/req sat",
            "× (q1–q3)",
            "req/s",
            "µs/req pace",
            "×",
            "p50 ms",
            "added ×",
            "p99 ms",
            "idle MiB",
            "MiB after",
        );
        for row in &self.rows {
            let saturated = ratios(row, base, |m| m.saturated.cpu);
            let paced = ratios(row, base, |m| m.paced.cpu);
            let added = ratios(row, base, |m| m.paced.p50 - direct);
            println!(
                "{:<11} {:>11.1} {:>4.2} ({:.2}–{:.2}) {:>6.0} {:>11.1} {:>9.2} {:>9.3} {:>9.2} {:>9.3} {:>8.1} {:>8.1}",
                row.name,
                median(row, |m| m.saturated.cpu),
                quantile(&saturated, 50),
                quantile(&saturated, 25),
                quantile(&saturated, 75),
                median(row, |m| m.saturated.rate),
                median(row, |m| m.paced.cpu),
                quantile(&paced, 50),
                median(row, |m| m.paced.p50),
                quantile(&added, 50),
                median(row, |m| m.paced.p99),
                mib(row.idle),
                mib(row.after),
            );
        }
        println!(
            "\n× is the median over rounds of the ratio to \"thin\" in the same round; \"thin again\" is the noise.\n\
             sat: {} connections, as fast as they go. pace: 2,000 requests/s, open loop. p50 without a proxy: {direct:.3} ms.",
            crate::CONNECTIONS,
        );
    }
}

fn ratios(row: &Row, base: &Row, read: impl Fn(&Measured) -> f64) -> Vec<f64> {
    let pairs = row.rounds.iter().zip(&base.rounds);
    pairs.map(|(this, that)| read(this) / read(that)).collect()
}

fn median(row: &Row, read: impl Fn(&Measured) -> f64) -> f64 {
    quantile(&row.rounds.iter().map(read).collect::<Vec<_>>(), 50)
}

fn quantile(values: &[f64], part: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = sorted.len().saturating_sub(1) * part / 100;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "KiB of a process")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
