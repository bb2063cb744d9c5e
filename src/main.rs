//! `plimsoll`: the command line. Wiring only; one file per subcommand.

mod advice;
mod allocate;
mod backtest;
mod cli;
mod clock;
mod completions;
mod config;
mod curves;
mod data;
mod demo;
mod doctor;
mod exit;
mod facts;
mod ingest;
mod journal;
mod live;
mod llama;
mod models;
mod observatory;
mod output;
mod replay;
mod setup;
mod summary;
mod universe;
mod wiring;
mod worlds;

use clap::Parser;
use plimsoll_execute::live::Order;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = cli::Cli::parse();
    let done = match arguments.command {
        cli::Command::Backtest(options) => backtest::run(&options, arguments.config.as_deref()),
        cli::Command::Allocate(options) => {
            allocate::allocate(&options, arguments.config.as_deref())
        }
        cli::Command::Rebalance(options) => {
            allocate::rebalance(&options, arguments.config.as_deref())
        }
        cli::Command::Curves(options) => curves::run(&options, arguments.config.as_deref()),
        cli::Command::Data(command) => data::run(&command, arguments.config.as_deref()),
        cli::Command::Ingest(options) => ingest::run(&options, arguments.config.as_deref()),
        cli::Command::Journal(command) => journal::run(&command),
        cli::Command::Init(options) => live::run::init(&options, arguments.config.as_deref()),
        cli::Command::Run(options) => live::run::run(&options, arguments.config.as_deref()),
        cli::Command::Pause(options) => {
            live::run::order(Order::Pause, &options, arguments.config.as_deref())
        }
        cli::Command::Derisk(options) => {
            live::run::order(Order::Derisk, &options, arguments.config.as_deref())
        }
        cli::Command::Resume(options) => {
            live::run::order(Order::Resume, &options, arguments.config.as_deref())
        }
        cli::Command::Demo(options) => demo::run(&options),
        cli::Command::Replay(options) => replay::run(&options, arguments.config.as_deref()),
        cli::Command::Doctor(options) => doctor::run(&options, arguments.config.as_deref()),
        cli::Command::Models(command) => models::run(&command, arguments.config.as_deref()),
        cli::Command::Completions { shell } => {
            completions::run(shell);
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(&format!("plimsoll: {error:#}"));
            exit::code(&error)
        }
    }
}
