//! The table at the end, and its JSON.

use serde_json::{Value, json};

use super::Options;
use super::live::percent;
use super::tally::{Counts, availability};

/// One vendor, both sides.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What it does to its callers.
    pub trouble: &'static str,
    /// Counted by the client that called it itself.
    pub direct: Counts,
    /// Counted by the client that went through Leeward.
    pub leeward: Counts,
}

/// Says what is about to happen.
pub fn explain(options: &Options) {
    println!(
        "Seven simulated vendors on loopback misbehave for {} s (seed {}). The same client\n\
         calls them directly and through a Leeward; it waits as Retry-After says, up to\n\
         10 s in all, and does nothing else. Troubles that elsewhere come once a week are\n\
         crowded together here: compare the two ways, not one of them with a quiet day.",
        options.seconds, options.seed,
    );
    if !options.without.is_empty() {
        println!("Switched off in Leeward: {}.", options.without.join(", "));
    }
    println!();
}

/// Prints the table, which fits 80 columns.
pub fn print(rows: &[Row]) {
    println!(
        "  {:<7} {:>8} {:>7} {:>7} {:>5} {:>6} {:>8} {:>8} {:>6} {:>6}",
        "way",
        "requests",
        "reads",
        "writes",
        "401s",
        "limits",
        "p50 ms",
        "p99 ms",
        "tokens",
        "cached",
    );
    for row in rows {
        println!("{}: {}", row.name, row.trouble);
        print_side("direct", &row.direct);
        print_side("leeward", &row.leeward);
    }
    let (direct, leeward) = totals(rows);
    println!("in all");
    print_side("direct", &direct);
    print_side("leeward", &leeward);
    println!(
        "\nreads, writes: the share that ended in a 2xx with the right content. limits:\n\
         those that reached the application as something other than a 429. tokens: calls\n\
         to the token endpoint. cached: the last good answer, while the vendor failed."
    );
    println!(
        "Writes lost through Leeward: {}. Of them {} were sent and their fate is unknown:\n\
         such a POST is not repeated, since it might be done twice.",
        leeward.writes.0 - leeward.writes.1,
        leeward.unknown_writes,
    );
}

fn print_side(way: &str, counts: &Counts) {
    println!(
        "  {:<7} {:>8} {:>7} {:>7} {:>5} {:>6} {:>8.1} {:>8.1} {:>6} {:>6}",
        way,
        counts.all().0,
        percent(availability(counts.reads)),
        percent(availability(counts.writes)),
        counts.unauthorized,
        counts.odd_limits,
        counts.percentile(0.5),
        counts.percentile(0.99),
        counts.token_calls,
        counts.cached,
    );
}

/// Prints the JSON of the contract.
pub fn print_json(rows: &[Row]) {
    let vendors: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "name": row.name,
                "trouble": row.trouble,
                "direct": side(&row.direct),
                "leeward": side(&row.leeward),
            })
        })
        .collect();
    let (direct, leeward) = totals(rows);
    let document = json!({
        "vendors": vendors,
        "total": { "direct": side(&direct), "leeward": side(&leeward) },
    });
    println!("{document}");
}

fn totals(rows: &[Row]) -> (Counts, Counts) {
    let mut totals = (Counts::default(), Counts::default());
    for row in rows {
        totals.0.merge(&row.direct);
        totals.1.merge(&row.leeward);
    }
    totals
}

fn side(counts: &Counts) -> Value {
    let share = |pair: (u64, u64)| json!({ "requests": pair.0, "ok": pair.1, "availability": availability(pair) });
    let (requests, ok) = counts.all();
    json!({
        "requests": requests,
        "ok": ok,
        "availability": availability(counts.all()),
        "reads": share(counts.reads),
        "writes": share(counts.writes),
        "writes_of_unknown_fate": counts.unknown_writes,
        "unauthorized": counts.unauthorized,
        "limits_not_429": counts.odd_limits,
        "from_cache": counts.cached,
        "token_calls": counts.token_calls,
        "p50_ms": counts.percentile(0.5),
        "p99_ms": counts.percentile(0.99),
    })
}
