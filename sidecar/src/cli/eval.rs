//! `leeward eval`.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::time::Duration;

use leeward_expression::{Bindings, Expression, Limits};
use serde_json::Value;

use super::{Failure, print, read, read_json};

/// Evaluates JSONata within limits.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The expression, or @FILE
    #[arg(long, value_name = "TEXT|@FILE", required_unless_present = "batch")]
    expr: Option<String>,
    /// JSON to evaluate it over (- for standard input)
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// JSON object of further bindings
    #[arg(long, value_name = "FILE")]
    bindings: Option<PathBuf>,
    /// Read lines {"expr","input","bindings"}, write lines {"result"} or {"error"}
    #[arg(long, conflicts_with_all = ["expr", "input", "bindings"])]
    batch: bool,
    /// Longest time of one evaluation
    #[arg(long, value_name = "DURATION", default_value = "250ms", value_parser = duration)]
    time_limit: Duration,
    /// What one evaluation may hold; limits on texts, lists and results are derived from it
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory_limit: Option<u64>,
    /// Deepest nesting of calls
    #[arg(long, value_name = "N")]
    depth_limit: Option<usize>,
    /// Most steps of the engine
    #[arg(long, value_name = "N")]
    step_limit: Option<u64>,
}

fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<leeward_config::Period>()
        .map(|period| period.0)
}

fn size(text: &str) -> Result<u64, String> {
    text.parse::<leeward_config::Size>().map(|size| size.0)
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let limits = limits(arguments);
    if arguments.batch {
        return batch(&limits);
    }
    let source = match arguments
        .expr
        .as_deref()
        .map(|text| text.strip_prefix('@').ok_or(text))
    {
        Some(Ok(path)) => read(path.as_ref())?,
        Some(Err(text)) => text.to_owned(),
        None => return Err(Failure::Input("--expr is missing".to_owned())),
    };
    let input = arguments.input.as_deref().map(read_json).transpose()?;
    let bindings = match arguments.bindings.as_deref().map(read_json).transpose()? {
        None => Bindings::default(),
        Some(Value::Object(names)) => {
            let mut bindings = Bindings::new();
            for (name, value) in names {
                bindings = bindings.with(&name, value).map_err(Failure::input)?;
            }
            bindings
        }
        Some(_) => {
            return Err(Failure::Input(
                "--bindings must be a JSON object".to_owned(),
            ));
        }
    };
    let result = Expression::compile(&source)
        .and_then(|expression| expression.evaluate(input.as_ref(), &bindings, &limits));
    match result {
        // JSONata's nothing is no output at all.
        Ok(None) => Ok(()),
        Ok(Some(value)) => print(&serde_json::to_string_pretty(&value).map_err(Failure::internal)?),
        Err(fault) => Err(Failure::Input(format!(
            "{} at position {}: {}",
            fault.code, fault.position, fault.message
        ))),
    }
}

fn limits(arguments: &Arguments) -> Limits {
    let mut limits = match arguments.memory_limit {
        Some(bytes) => Limits::from_memory(usize::try_from(bytes).unwrap_or(usize::MAX)),
        None => Limits::default(),
    };
    limits.time = arguments.time_limit;
    if let Some(depth) = arguments.depth_limit {
        limits.depth = depth;
    }
    if let Some(steps) = arguments.step_limit {
        limits.steps = steps;
    }
    limits
}

fn batch(limits: &Limits) -> Result<(), Failure> {
    let input = BufReader::new(std::io::stdin());
    let mut out = std::io::stdout().lock();
    for line in input.lines() {
        let line = line.map_err(Failure::input)?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = leeward_expression::evaluate_line(&line, limits);
        match writeln!(out, "{answer}") {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(Failure::internal(error)),
            Ok(()) => {}
        }
    }
    Ok(())
}
