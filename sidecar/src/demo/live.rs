//! What happens, as it happens: redrawn on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use super::tally::{Tally, availability};

/// Each character of a bar is one second.
const BAR: usize = 45;

/// The view.
#[derive(Debug)]
pub struct Live {
    mode: Mode,
    names: Vec<&'static str>,
    length: Duration,
    drawn: bool,
    last_plain: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Silent,
    Plain,
    Terminal,
}

impl Live {
    /// A view of these vendors.
    pub fn new(on: bool, names: Vec<&'static str>, length: Duration) -> Self {
        let mode = match (on, std::io::stdout().is_terminal()) {
            (false, _) => Mode::Silent,
            (true, false) => Mode::Plain,
            (true, true) => Mode::Terminal,
        };
        Self {
            mode,
            names,
            length,
            drawn: false,
            last_plain: 0,
        }
    }

    /// Shows the state after this time.
    pub fn draw(&mut self, elapsed: Duration, tallies: &[Vec<Arc<Tally>>; 2]) {
        match self.mode {
            Mode::Silent => {}
            Mode::Plain if elapsed.as_secs() >= self.last_plain + 5 && elapsed < self.length => {
                self.last_plain = elapsed.as_secs();
                self.plain(elapsed, tallies);
            }
            Mode::Plain => {}
            Mode::Terminal => self.redraw(elapsed, tallies),
        }
    }

    /// Shows the end.
    pub fn end(&mut self, tallies: &[Vec<Arc<Tally>>; 2]) {
        match self.mode {
            Mode::Terminal => self.redraw(self.length, tallies),
            Mode::Plain => self.plain(self.length, tallies),
            Mode::Silent => {}
        }
        if self.mode != Mode::Silent {
            println!();
        }
    }

    fn plain(&mut self, elapsed: Duration, [direct, leeward]: &[Vec<Arc<Tally>>; 2]) {
        if !std::mem::replace(&mut self.drawn, true) {
            let names: String = self
                .names
                .iter()
                .map(|name| format!("{name:^10}"))
                .collect();
            println!("% available so far, direct|leeward:\n      {names}");
        }
        let mut line = format!("{:>4} s", elapsed.as_secs());
        for (direct, leeward) in direct.iter().zip(leeward) {
            line.push_str(&format!(
                "{:>5}|{:<4}",
                short_percent(availability(direct.read().all())),
                short_percent(availability(leeward.read().all())),
            ));
        }
        println!("{}", line.trim_end());
    }

    fn redraw(&mut self, elapsed: Duration, [direct, leeward]: &[Vec<Arc<Tally>>; 2]) {
        let mut page = String::new();
        if self.drawn {
            page.push_str(&format!("\x1b[{}A", self.names.len() * 2 + 1));
        }
        self.drawn = true;
        page.push_str(&format!(
            "\x1b[2K  {} of {} s; a character is a second: \x1b[32m▇\x1b[0m all well, \x1b[33m▅\x1b[0m some lost, \x1b[31m▁\x1b[0m most lost\n",
            elapsed.as_secs().min(self.length.as_secs()),
            self.length.as_secs(),
        ));
        for ((name, direct), leeward) in self.names.iter().zip(direct).zip(leeward) {
            for (label, side, tally) in [(*name, "direct", direct), ("", "leeward", leeward)] {
                let counts = tally.read();
                page.push_str(&format!(
                    "\x1b[2K  {label:<10} {side:<8} {:>8}  {}\n",
                    percent(availability(counts.all())),
                    bar(&counts.seconds),
                ));
            }
        }
        let mut out = std::io::stdout().lock();
        // A terminal that went away must not end the run.
        let _ = out.write_all(page.as_bytes()).and_then(|()| out.flush());
    }
}

fn bar(seconds: &[(u64, u64)]) -> String {
    let skipped = seconds.len().saturating_sub(BAR);
    seconds
        .iter()
        .skip(skipped)
        .map(|&second| match availability(second) {
            1.0 => "\x1b[32m▇\x1b[0m",
            share if share >= 0.5 => "\x1b[33m▅\x1b[0m",
            _ => "\x1b[31m▁\x1b[0m",
        })
        .collect()
}

/// A share as a percentage that never rounds a loss away.
pub fn percent(share: f64) -> String {
    if share >= 1.0 {
        return "100%".to_owned();
    }
    format!("{:.2}%", (share * 10_000.0).floor() / 100.0)
}

/// The same in few characters.
fn short_percent(share: f64) -> String {
    if share >= 1.0 {
        return "100".to_owned();
    }
    format!("{:.1}", (share * 1_000.0).floor() / 10.0)
}
