//! The command line's words.

use crate::ingest::options::IngestOptions;
use anyhow::Context;
use chrono::Weekday;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use plimsoll_core::{Day, RiskLine};
use plimsoll_dashboard::logging::Format;
use std::path::PathBuf;

/// Loads capital into DeFi as deep as your risk line allows, and shows the line.
#[derive(Debug, Parser)]
#[command(name = "plimsoll", version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// Settings, one TOML file; config/example.toml explains every key
    #[arg(long, global = true, env = "PLIMSOLL_CONFIG", value_name = "FILE", value_parser = folder())]
    pub(crate) config: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 unexpected failure; 2 wrong words on the command line; 3 data that cannot be
used; 4 settings that cannot be used; 5 results that cannot be written; 6 doctor found something.
With --json one document goes to standard output; text for people goes to standard error.
PLIMSOLL_NOW=2026-06-01T12:00:00Z stands in for the clock where DefiLlama is asked, so that an answer from
what --cache keeps can be had again.";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Replay strategies over recorded history
    Backtest(Box<BacktestOptions>),
    /// Say where an amount should go, as three plans side by side
    Allocate(Box<AllocateOptions>),
    /// Say whether to move what is held, or wait
    Rebalance(Box<RebalanceOptions>),
    /// Draw what each market pays against utilization and against our own deposit
    Curves(CurvesOptions),
    /// Look at or make history
    #[command(subcommand)]
    Data(DataCommand),
    /// Read markets and events of a range of blocks from nodes into a folder of history
    Ingest(Box<IngestOptions>),
    /// Look at what the engine knew, decided and sent
    #[command(subcommand)]
    Journal(crate::journal::JournalCommand),
    /// Check the settings of a live engine and make its journal; without settings, write some to begin with
    Init(InitOptions),
    /// Run a live engine; it sends nothing without --live
    Run(RunOptions),
    /// Let the engine sign nothing more
    Pause(OrderOptions),
    /// Let the engine bring everything out that can come out, and nothing in
    Derisk(OrderOptions),
    /// Let the engine go on
    Resume(OrderOptions),
    /// Show the engine at work: a local chain with real lending contracts, a depositor and thirty days
    Demo(DemoOptions),
    /// Replay history and write a report, with no options needed
    Replay(ReplayOptions),
    /// Check this installation, its settings and its data
    Doctor(DoctorOptions),
    /// Say how good the forecasts are
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Options of `backtest`.
#[derive(Debug, Clone, Args)]
pub(crate) struct BacktestOptions {
    /// Folder of Parquet history
    #[arg(
        long,
        env = "PLIMSOLL_DATA",
        value_name = "DIR",
        required_unless_present = "synthetic",
        value_parser = folder()
    )]
    pub(crate) data: Option<PathBuf>,
    /// Generated worlds by seed instead of history: A..B, both included, or one seed
    #[arg(long, value_name = "A..B", value_parser = parse_seeds, conflicts_with_all = ["contract", "assets", "chains", "from", "to", "weekday"])]
    pub(crate) synthetic: Option<Seeds>,
    /// Leave out the search for the best plan with the future known, which takes time
    #[arg(long, requires = "synthetic")]
    pub(crate) no_foresight: bool,
    /// Changes that the search for that plan tries: more raise the ceiling, mostly for large capital
    #[arg(long, value_name = "N", default_value_t = 3_000, requires = "synthetic", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) foresight_trials: u32,
    /// Strategies, with parameters as NAME@KEY=VALUE; all rules by default
    #[arg(long, value_delimiter = ',', value_name = "NAME,..", conflicts_with = "contract")]
    pub(crate) strategy: Vec<String>,
    /// Assets by first symbol (USDC), unit (USD, EUR, ETH, BTC), market id, or `all`
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "A,..",
        default_value = "USD",
        conflicts_with = "contract"
    )]
    pub(crate) assets: Vec<String>,
    /// Chains by name; all by default
    #[arg(long, value_delimiter = ',', value_name = "C,..", conflicts_with = "contract")]
    pub(crate) chains: Vec<String>,
    /// First day, YYYY-MM-DD
    #[arg(long, value_name = "D", value_parser = parse_day)]
    pub(crate) from: Option<Day>,
    /// Last day, YYYY-MM-DD
    #[arg(long, value_name = "D", value_parser = parse_day)]
    pub(crate) to: Option<Day>,
    /// How often to decide
    #[arg(long, value_enum, default_value_t = Often::Weekly, conflicts_with = "contract")]
    pub(crate) decide: Often,
    /// Day of weekly decisions, such as mon; Monday by default, the ninth row's with a contract
    #[arg(long, value_name = "D", value_parser = parse_weekday)]
    pub(crate) weekday: Option<Weekday>,
    /// Cost of one-way turnover in basis points; the first entry is free
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) cost_bps: Option<u32>,
    /// cautious, balanced, adventurous or strict (the configured line): what cannot be answered forbids
    /// buying; measurable: the configured line as far as the source can answer; off
    #[arg(long, value_name = "L", default_value = "measurable", value_parser = parse_limits, conflicts_with = "contract")]
    pub(crate) limits: Limits,
    /// A published replay to restate exactly
    #[arg(long, value_enum)]
    pub(crate) contract: Option<Contract>,
    /// Money at the start over all parts of the universe, in whole units of each
    #[arg(long, value_name = "N", value_parser = parse_capital)]
    pub(crate) capital: Option<f64>,
    /// Leave out the other weekdays and starts, which take most of the time
    #[arg(long)]
    pub(crate) no_spread: bool,
    /// Folder for report.html, result.json, nav.parquet, trades.parquet and journal.jsonl
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

impl BacktestOptions {
    /// The folder of history.
    pub(crate) fn folder(&self) -> anyhow::Result<PathBuf> {
        let given = self.data.clone().filter(|folder| !folder.as_os_str().is_empty());
        given
            .context(
                "no history: give a folder with --data DIR or PLIMSOLL_DATA, or --synthetic A..B",
            )
            .context(crate::exit::Kind::Usage)
    }

    /// The cost of one-way turnover: the given one, else the configured one.
    pub(crate) fn cost_bps(&self, config: &crate::config::Config) -> u32 {
        self.cost_bps.unwrap_or(config.backtest.cost_bps.0)
    }
}

/// Where what is known comes from; the first given counts, in this order: --llama, --synthetic, --data.
#[derive(Debug, Clone, Args)]
pub(crate) struct SourceOptions {
    /// Folder of Parquet history; its last day is taken for today
    #[arg(long, env = "PLIMSOLL_DATA", value_name = "DIR", value_parser = folder())]
    pub(crate) data: Option<PathBuf>,
    /// DefiLlama's yields, or a server that speaks the same: such as <https://yields.llama.fi>
    #[arg(long, value_name = "URL", conflicts_with = "synthetic")]
    pub(crate) llama: Option<String>,
    /// Folder in which DefiLlama's answers are kept
    #[arg(long, value_name = "DIR", requires = "llama")]
    pub(crate) cache: Option<PathBuf>,
    /// A generated world by its seed: no real market
    #[arg(long, value_name = "SEED")]
    pub(crate) synthetic: Option<u64>,
}

impl SourceOptions {
    /// The folder of history, where one is named.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        self.data.clone().filter(|folder| !folder.as_os_str().is_empty())
    }
}

/// What `allocate` and `rebalance` share.
#[derive(Debug, Clone, Args)]
pub(crate) struct QuestionOptions {
    #[command(flatten)]
    pub(crate) source: SourceOptions,
    /// cautious, balanced or adventurous; the configured line by default
    #[arg(long, value_name = "LINE", value_parser = parse_line)]
    pub(crate) risk: Option<RiskLine>,
    /// Days within which a move has to pay
    #[arg(long, value_name = "N", default_value_t = 90.0, value_parser = parse_horizon)]
    pub(crate) horizon_days: f64,
    /// Chain by name; Ethereum, or where most can be bought, by default
    #[arg(long, value_name = "C")]
    pub(crate) chain: Option<String>,
    /// Buy nothing for which a limit has no answer, as the live engine does
    #[arg(long)]
    pub(crate) strict: bool,
    /// Gas of one deposit or withdrawal, whole units of the asset; the source's where it knows
    #[arg(long, value_name = "N", value_parser = parse_gas)]
    pub(crate) gas_usd: Option<f64>,
    /// Cost of one-way turnover in basis points; the first entry is free
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) cost_bps: Option<u32>,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `allocate`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AllocateOptions {
    /// Asset by symbol (USDC), or unit (USD, EUR, ETH, BTC)
    #[arg(long, value_name = "A")]
    pub(crate) asset: String,
    /// How much of it, whole units
    #[arg(long, value_name = "N", value_parser = parse_amount, allow_negative_numbers = true)]
    pub(crate) amount: f64,
    #[command(flatten)]
    pub(crate) question: QuestionOptions,
}

/// Options of `rebalance`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RebalanceOptions {
    /// TOML file of what is held: asset, idle, and a table `positions` of market id = amount
    #[arg(long, value_name = "FILE")]
    pub(crate) position: PathBuf,
    #[command(flatten)]
    pub(crate) question: QuestionOptions,
}

/// Options of `curves`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CurvesOptions {
    #[command(flatten)]
    pub(crate) source: SourceOptions,
    /// Asset by symbol (USDC), unit (USD, EUR, ETH, BTC) or market id
    #[arg(long, value_name = "A", default_value = "USD")]
    pub(crate) asset: String,
    /// Chain by name; Ethereum, or where most can be bought, by default
    #[arg(long, value_name = "C")]
    pub(crate) chain: Option<String>,
    /// Folder for curves.html
    #[arg(long, value_name = "DIR", default_value = "report")]
    pub(crate) out: PathBuf,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// How often to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Often {
    /// Once a week
    Weekly,
    /// Every day
    Daily,
}

/// Published replays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Contract {
    /// Weekly choice among the Aave V3 stablecoin reserves of six chains: a check of arithmetic
    AaveWeekly,
}

/// Which limits hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limits {
    /// A line, strictly.
    Line(RiskLine),
    /// The configured line, strictly.
    Strict,
    /// None.
    Off,
    /// The configured line, as far as the source can answer.
    Measurable,
}

/// Subcommands of `data`.
#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Show what the data-quality gate drops and flags in a folder, and why
    Check(CheckOptions),
    /// Write a seeded history of the markets of generated worlds
    Generate(GenerateOptions),
}

/// Options of `data check`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CheckOptions {
    /// Folder of Parquet history
    #[arg(long, env = "PLIMSOLL_DATA", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Chains by name; all by default
    #[arg(long, value_delimiter = ',', value_name = "C,..")]
    pub(crate) chains: Vec<String>,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `data generate`.
#[derive(Debug, Clone, Args)]
pub(crate) struct GenerateOptions {
    /// Folder to write to
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Number of markets
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) markets: u32,
    /// Number of days
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(10..=36_500))]
    pub(crate) days: u32,
    /// Seed; the same seed gives the same rows
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Subcommands of `models`.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// Score every forecast and baseline on later days and on markets that no fit has seen
    Score(ScoreOptions),
}

/// Options of `models score`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ScoreOptions {
    /// Folder of Parquet history
    #[arg(long, env = "PLIMSOLL_DATA", value_name = "DIR", value_parser = folder())]
    pub(crate) data: PathBuf,
    /// What is forecast
    #[arg(long, value_enum)]
    pub(crate) task: Task,
    /// First day scored, YYYY-MM-DD; by default the last 35 % of the days is. Fits know nothing later than
    /// eight days before it
    #[arg(long, value_name = "D", value_parser = parse_day)]
    pub(crate) from: Option<Day>,
    /// Last day scored, YYYY-MM-DD; the last one whose outcome is known by default. Nothing more than seven
    /// days after it is read
    #[arg(long, value_name = "D", value_parser = parse_day)]
    pub(crate) to: Option<Day>,
    /// Chains by name; all by default
    #[arg(long, value_delimiter = ',', value_name = "C,..")]
    pub(crate) chains: Vec<String>,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Task {
    /// What the index will have grown by over the next seven days, as a simple yearly rate
    Realised7,
}

/// Options of `demo`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoOptions {
    /// Days with the engine
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=365))]
    pub(crate) days: u64,
    /// What everything random follows from
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub(crate) seed: u64,
    /// The depositor's risk line: cautious, balanced or adventurous
    #[arg(long, value_name = "LINE", default_value = "balanced")]
    pub(crate) line: RiskLine,
    /// Instead of quiet days a bank run on the largest market, without or with a day of warning, while two of three
    /// depositors leave
    #[arg(long, value_name = "HOW", value_enum, conflicts_with = "days")]
    pub(crate) bank_run: Option<BankRun>,
    /// Instead of quiet days something that goes wrong once the engines hold what it strikes, while two of three
    /// depositors of each vault leave
    #[arg(long, value_name = "NAME", value_enum, conflicts_with_all = ["days", "bank_run"])]
    pub(crate) event: Option<EventName>,
    /// Say nothing while it runs
    #[arg(long)]
    pub(crate) headless: bool,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Folder in which the journal is kept; without it, it goes away
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// A Parquet file with prices of ether, which the world's ether follows instead of seeded ones
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bank_run", "event"])]
    pub(crate) prices: Option<PathBuf>,
    /// What the file calls ether, in its column `symbol` or `pair`
    #[arg(long, value_name = "NAME", default_value = "ETH", requires = "prices")]
    pub(crate) prices_of: String,
    /// The day of the first price, that of the world's beginning; the file's first day without it
    #[arg(long, value_name = "D", value_parser = parse_day, requires = "prices")]
    pub(crate) prices_from: Option<Day>,
    /// A file that says how the world's people live where it is not as usual; see docs/demo.md
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bank_run", "event"])]
    pub(crate) world: Option<PathBuf>,
    /// Play the same world once for each risk line, and draw what each held into one page
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bank_run", "event", "line", "html"])]
    pub(crate) lines: Option<PathBuf>,
    /// Draw the world's days into a page: utilization, rates, fees, rewards and prices over time
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bank_run", "event"])]
    pub(crate) html: Option<PathBuf>,
    /// Folder of Parquet history whose rates the page sets beside the world's
    #[arg(long, env = "PLIMSOLL_DATA", value_name = "DIR", value_parser = folder())]
    pub(crate) data: Option<PathBuf>,
}

/// How a bank run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BankRun {
    /// Everyone leaves with the next block
    Sudden,
    /// More and more leave over a day
    Announced,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventName {
    /// Rewards stop, and no campaign follows
    CampaignEnd,
    /// Validators lose a twentieth of all staked ether
    Slashing,
    /// Staked ether trades at 0.93 ether and stays there
    Depeg,
    /// Withdrawals of staked ether wait ten days
    Queue,
    /// The reward token begins to take 5 % of each transfer
    RewardFee,
    /// The reward token is worth nothing
    WorthlessReward,
    /// Trades take nearly all USDC, and WETH, out of the pools that the vaults are in
    Drain,
    /// Ether's price leaves the range for a day and comes back
    Swing,
}

impl EventName {
    /// Its name on the command line.
    pub(crate) fn key(self) -> &'static str {
        match self {
            EventName::CampaignEnd => "campaign-end",
            EventName::Slashing => "slashing",
            EventName::Depeg => "depeg",
            EventName::Queue => "queue",
            EventName::RewardFee => "reward-fee",
            EventName::WorthlessReward => "worthless-reward",
            EventName::Drain => "drain",
            EventName::Swing => "swing",
        }
    }
}

/// Options of `replay`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReplayOptions {
    /// Folder of Parquet history; a small made-up one is generated without it
    #[arg(long, env = "PLIMSOLL_DATA", value_name = "DIR", value_parser = folder())]
    pub(crate) data: Option<PathBuf>,
    /// Folder for the report
    #[arg(long, value_name = "DIR", default_value = "report")]
    pub(crate) out: PathBuf,
}

/// Options of `init`.
#[derive(Debug, Clone, Args)]
pub(crate) struct InitOptions {
    /// Check only, and make no journal
    #[arg(long)]
    pub(crate) check: bool,
}

/// Options of `run`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunOptions {
    /// Send transactions; without it the engine decides, writes down and sends nothing
    #[arg(long)]
    pub(crate) live: bool,
    /// What is logged: a level, or levels by module
    #[arg(long, value_name = "FILTER", default_value = "info", env = "PLIMSOLL_LOG")]
    pub(crate) log: String,
    /// How it is logged: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = parse_format)]
    pub(crate) log_format: Format,
}

/// Options of `pause`, `derisk` and `resume`.
#[derive(Debug, Clone, Args)]
pub(crate) struct OrderOptions {
    /// Folder of the journal; by default that of the settings
    #[arg(long, env = "PLIMSOLL_STATE", value_name = "DIR", value_parser = folder())]
    pub(crate) folder: Option<PathBuf>,
    /// How long to wait for a running engine to take the order up
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) wait_seconds: u64,
}

fn parse_format(text: &str) -> Result<Format, String> {
    match text {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        _ => Err("expected text or json".to_owned()),
    }
}

/// Options of `doctor`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DoctorOptions {
    /// Folder of Parquet history to look at
    #[arg(long, env = "PLIMSOLL_DATA", value_name = "DIR", value_parser = folder())]
    pub(crate) data: Option<PathBuf>,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// A path that may be empty text, as an unset variable is in many scripts; it then counts as none.
pub(crate) fn folder() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

fn parse_day(text: &str) -> Result<Day, String> {
    text.parse().map_err(|_| "expected a date YYYY-MM-DD, such as 2025-07-22".to_owned())
}

fn parse_capital(text: &str) -> Result<f64, String> {
    let capital = text.parse().ok().filter(|capital| (1.0..=1e15).contains(capital));
    capital.ok_or_else(|| "expected a number from 1 to 1e15".to_owned())
}

/// Seeds of generated worlds, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seeds {
    first: u64,
    last: u64,
}

impl Seeds {
    /// Every seed, in order.
    pub(crate) fn seeds(self) -> Vec<u64> {
        (self.first..=self.last).collect()
    }
}

/// The most worlds of one run.
const MOST_SEEDS: u64 = 100_000;

fn parse_seeds(text: &str) -> Result<Seeds, String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let number = |part: &str| part.trim().trim_start_matches('=').parse::<u64>().ok();
    match number(first).zip(number(last)) {
        Some((first, last)) if first <= last && last - first < MOST_SEEDS => {
            Ok(Seeds { first, last })
        }
        _ => {
            Err("expected seeds A..B, both included, such as 1..200, or one seed; at most 100,000"
                .to_owned())
        }
    }
}

fn parse_line(text: &str) -> Result<RiskLine, String> {
    text.parse().map_err(|_| "expected cautious, balanced or adventurous".to_owned())
}

fn parse_amount(text: &str) -> Result<f64, String> {
    let amount = text.parse().ok().filter(|amount: &f64| *amount > 0.0 && *amount <= 1e15);
    amount.ok_or_else(|| {
        "expected a number of whole units above 0, at most 1e15, such as 25000".to_owned()
    })
}

fn parse_gas(text: &str) -> Result<f64, String> {
    let gas = text.parse().ok().filter(|gas| (0.0..=1e6).contains(gas));
    gas.ok_or_else(|| "expected a number from 0 to 1e6, such as 0.8".to_owned())
}

fn parse_horizon(text: &str) -> Result<f64, String> {
    let days = text.parse().ok().filter(|days| (1.0..=3_650.0).contains(days));
    days.ok_or_else(|| "expected a number of days from 1 to 3650".to_owned())
}

fn parse_weekday(text: &str) -> Result<Weekday, String> {
    text.parse().map_err(|_| "expected a day of the week, such as mon or wednesday".to_owned())
}

fn parse_limits(text: &str) -> Result<Limits, String> {
    match text {
        "off" => Ok(Limits::Off),
        "strict" => Ok(Limits::Strict),
        "measurable" => Ok(Limits::Measurable),
        _ => text.parse().map(Limits::Line).map_err(|_| {
            "expected cautious, balanced, adventurous, strict, measurable or off".to_owned()
        }),
    }
}
