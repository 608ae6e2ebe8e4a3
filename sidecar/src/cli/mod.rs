//! The command line: one file per command.

mod check;
#[cfg(feature = "demo")]
mod demo;
mod eval;
mod explain;
mod map;
mod run;
mod schema;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Exit code when the user's input is at fault.
const INPUT: u8 = 1;
/// Exit code for a fault of Leeward's own (`EX_SOFTWARE`).
const INTERNAL: u8 = 70;

/// The sheltered side of other people's APIs.
#[derive(Debug, Parser)]
#[command(name = "leeward", version = crate::VERSION, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the sidecar
    Run(run::Arguments),
    /// Show what it does: misbehaving vendors, called directly and through Leeward
    #[cfg(feature = "demo")]
    Demo(demo::Arguments),
    /// Check the configuration; print every fault as file:line:column: message
    Check(check::Arguments),
    /// Say what Leeward makes of a recorded vendor answer
    Explain(explain::Arguments),
    /// Evaluate a JSONata expression
    Eval(eval::Arguments),
    /// Run one mapping on one input
    Map(map::Arguments),
    /// Print the JSON Schema of the configuration files
    Schema,
    /// Print version, commit and target
    Version,
}

/// Where the configuration is.
#[derive(Debug, Clone, clap::Args)]
struct ConfigDir {
    /// The folder with leeward.yaml, providers/, models/, accounts/
    #[arg(long = "config", value_name = "DIR")]
    dir: PathBuf,
    /// Override a key of leeward.yaml, such as listen.egress=127.0.0.1:0
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = override_of)]
    overrides: Vec<(String, String)>,
}

fn override_of(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE, such as listen.egress=127.0.0.1:0".to_owned()),
    }
}

/// How a command failed.
#[derive(Debug)]
enum Failure {
    /// The user's input; the text says which and how to mend it.
    Input(String),
    /// It was said already.
    Said,
    /// Our own.
    Internal(String),
}

impl Failure {
    fn input(error: impl std::fmt::Display) -> Self {
        Self::Input(error.to_string())
    }

    fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; everything else is wrong usage, exit 2.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let ended = match arguments.command {
        Command::Run(arguments) => run::run(arguments),
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => demo::run(arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Map(arguments) => map::run(&arguments),
        Command::Schema => schema::run(),
        Command::Version => print(&format!(
            "leeward {} ({}, {})",
            crate::VERSION,
            crate::COMMIT,
            crate::TARGET
        )),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Said) => ExitCode::from(INPUT),
        Err(Failure::Input(message)) => {
            eprintln!("leeward: {message}");
            ExitCode::from(INPUT)
        }
        Err(Failure::Internal(message)) => {
            eprintln!("leeward: internal error: {message}");
            ExitCode::from(INTERNAL)
        }
    }
}

/// Prints a line; a reader that went away (`| head`) is no failure.
fn print(line: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::internal(error))
        }
        _ => Ok(()),
    }
}

/// The text of a file, or of standard input for `-`.
fn read(path: &std::path::Path) -> Result<String, Failure> {
    if path.as_os_str() == "-" {
        return std::io::read_to_string(std::io::stdin())
            .map_err(|error| Failure::Input(format!("cannot read standard input: {error}")));
    }
    std::fs::read_to_string(path)
        .map_err(|error| Failure::Input(format!("cannot read {}: {error}", path.display())))
}

/// JSON from a file.
fn read_json(path: &std::path::Path) -> Result<serde_json::Value, Failure> {
    serde_json::from_str(&read(path)?)
        .map_err(|error| Failure::Input(format!("{} is not JSON: {error}", path.display())))
}
