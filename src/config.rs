//! Settings: one TOML file, environment overrides, errors with file, line and a fix.

use crate::exit::Kind;
use crate::ingest::settings::Ingest;
use crate::live::settings::Live;
use crate::llama::Llama;
use anyhow::Context;
use plimsoll_core::RiskPreference;
use plimsoll_core::preference::Fraction;
use plimsoll_frame::GateSettings;
use serde::Deserialize;
use std::path::Path;

/// Prefix of environment variables that override a setting: `PLIMSOLL__RISK__LINE=cautious`.
const OVERRIDE: &str = "PLIMSOLL__";

/// Everything that can be set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The owner's line.
    pub(crate) risk: RiskPreference,
    /// The run that the exit limit assumes.
    pub(crate) run: Run,
    /// Replays.
    pub(crate) backtest: Backtest,
    /// The data-quality gate.
    pub(crate) gate: Gate,
    /// DefiLlama's interface.
    pub(crate) llama: Llama,
    /// What `ingest` reads, where it is not what a live engine reads.
    pub(crate) ingest: Option<Ingest>,
    /// A live engine.
    pub(crate) live: Option<Box<Live>>,
}

/// The run that the exit limit assumes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Run {
    /// Share of everything supplied that leaves before us.
    pub(crate) leaving_first: Share,
}

/// Replays.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Backtest {
    /// Cost of one-way turnover.
    pub(crate) cost_bps: BasisPoints,
    /// Units of gas that one deposit or withdrawal uses.
    pub(crate) gas_units_per_action: u32,
    /// Money at the start.
    pub(crate) capital: Capital,
}

/// The data-quality gate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Gate {
    /// Days an index may stand still.
    pub(crate) frozen_after_days: Positive,
    /// Days all numbers of a feed without an index may stand still.
    pub(crate) frozen_rates_after_days: Positive,
    /// Rate above which an index has to confirm it.
    pub(crate) confirm_above_apr: Positive,
    /// Rate above which a feed without an index is not believed.
    pub(crate) believe_below_apr: Positive,
}

/// A fraction from 0 to 1.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
pub(crate) struct Share(pub(crate) Fraction);

/// Basis points of at most everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub(crate) struct BasisPoints(pub(crate) u32);

/// Whole units of a denomination, from 1 to 1e15.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
pub(crate) struct Capital(pub(crate) f64);

/// A finite number above zero.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
pub(crate) struct Positive(pub(crate) f64);

impl TryFrom<f64> for Share {
    type Error = String;

    fn try_from(value: f64) -> Result<Share, String> {
        let share = Fraction::new(value).map(Share);
        share.ok_or_else(|| {
            format!("{value} is outside 0 to 1: a fraction is expected, 50 % is 0.5")
        })
    }
}

impl TryFrom<u32> for BasisPoints {
    type Error = String;

    fn try_from(value: u32) -> Result<BasisPoints, String> {
        let is_share = value <= plimsoll_core::units::BPS_ONE;
        is_share
            .then_some(BasisPoints(value))
            .ok_or_else(|| format!("{value} is more than 10000 bp, which is everything"))
    }
}

impl TryFrom<f64> for Capital {
    type Error = String;

    fn try_from(value: f64) -> Result<Capital, String> {
        let is_capital = (1.0..=1e15).contains(&value);
        is_capital
            .then_some(Capital(value))
            .ok_or_else(|| format!("{value:e} is not a number from 1 to 1e15"))
    }
}

impl TryFrom<f64> for Positive {
    type Error = String;

    fn try_from(value: f64) -> Result<Positive, String> {
        let is_positive = value.is_finite() && value > 0.0;
        is_positive
            .then_some(Positive(value))
            .ok_or_else(|| format!("{value} is not a number above 0"))
    }
}

impl Default for Run {
    fn default() -> Run {
        // A tenth of everything supplied leaves first: an assumption, until a model replaces it.
        Run { leaving_first: Share(Fraction::of_percent(10)) }
    }
}

impl Default for Backtest {
    fn default() -> Backtest {
        Backtest {
            cost_bps: BasisPoints(5),
            gas_units_per_action: 250_000,
            capital: Capital(1_000_000.0),
        }
    }
}

impl Default for Gate {
    fn default() -> Gate {
        let gate = GateSettings::default();
        Gate {
            frozen_after_days: Positive(gate.frozen_after_days),
            frozen_rates_after_days: Positive(gate.frozen_rates_after_days),
            confirm_above_apr: Positive(gate.confirm_above_apr),
            believe_below_apr: Positive(gate.believe_below_apr),
        }
    }
}

impl Gate {
    /// The gate's settings.
    pub(crate) fn settings(&self) -> GateSettings {
        GateSettings {
            frozen_after_days: self.frozen_after_days.0,
            frozen_rates_after_days: self.frozen_rates_after_days.0,
            confirm_above_apr: self.confirm_above_apr.0,
            believe_below_apr: self.believe_below_apr.0,
            ..GateSettings::default()
        }
    }
}

/// Reads the settings: the file where one is given, then the environment.
pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Config> {
    let file = file.filter(|file| !file.as_os_str().is_empty());
    let text = match file {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("{}: cannot be read", file.display()))
            .context(Kind::Settings)?,
        None => String::new(),
    };
    let name = file.map_or_else(|| "settings".to_owned(), |file| file.display().to_string());
    let overrides = std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value)))
        .filter(|(key, _)| key.starts_with(OVERRIDE))
        .map(|(key, value)| {
            let text = value.into_string();
            text.map(|text| (key.clone(), text)).map_err(|_| anyhow::anyhow!("{key} is not UTF-8"))
        })
        .collect::<anyhow::Result<Vec<_>>>()
        .context(Kind::Settings)?;
    parse(&name, &text, overrides).map_err(anyhow::Error::msg).context(Kind::Settings)
}

/// Parses settings and lays overrides over them.
pub(crate) fn parse(
    name: &str,
    text: &str,
    overrides: Vec<(String, String)>,
) -> Result<Config, String> {
    let config: Config = toml::from_str(text).map_err(|error| explain(name, text, &error))?;
    if overrides.is_empty() {
        return Ok(config);
    }
    let mut table: toml::Table =
        toml::from_str(text).map_err(|error| explain(name, text, &error))?;
    for (key, value) in &overrides {
        let path: Vec<String> =
            key.trim_start_matches(OVERRIDE).split("__").map(str::to_lowercase).collect();
        let [section, setting] = path.as_slice() else {
            return Err(format!(
                "{key}: expected {OVERRIDE}SECTION__KEY, such as {OVERRIDE}RISK__LINE"
            ));
        };
        let value =
            value.parse::<toml::Value>().unwrap_or_else(|_| toml::Value::String(value.clone()));
        let section = table.entry(section.clone()).or_insert_with(|| toml::Table::new().into());
        let Some(section) = section.as_table_mut() else {
            return Err(format!("{key}: not a section"));
        };
        // A place on the dial from the environment displaces a named one in the file, and the reverse.
        match setting.as_str() {
            "dial" => section.remove("line"),
            "line" => section.remove("dial"),
            _ => None,
        };
        section.insert(setting.clone(), value);
    }
    let names: Vec<&str> = overrides.iter().map(|(key, _)| key.as_str()).collect();
    table.try_into().map_err(|error: toml::de::Error| {
        format!(
            "environment ({}): {}{}",
            names.join(", "),
            error.message(),
            suggestion(error.message())
        )
    })
}

/// File, line, what is wrong, and the nearest key.
fn explain(name: &str, text: &str, error: &toml::de::Error) -> String {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map(|before| before.lines().count().max(1) + usize::from(before.ends_with('\n')));
    let place = line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"));
    format!("{place}: {}{}", error.message(), suggestion(error.message()))
}

/// "; did you mean ..?" for an unknown key, from the keys that the message lists.
fn suggestion(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(found) = quoted.next().filter(|_| message.starts_with("unknown field")) else {
        return String::new();
    };
    quoted
        .map(|known| (strsim::jaro_winkler(found, known), known))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| format!("; did you mean `{known}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse("plimsoll.toml", text, Vec::new()).unwrap_err()
    }

    #[test]
    fn a_bad_key_is_named_with_file_line_and_the_nearest_key() {
        let message = error("[risk]\nline = \"balanced\"\nper_protocl = 0.3\n");
        assert!(message.starts_with("plimsoll.toml:3: unknown field `per_protocl`"), "{message}");
        assert!(message.ends_with("; did you mean `per_protocol`?"), "{message}");
        let message = error("[risks]\n");
        assert!(message.starts_with("plimsoll.toml:1: unknown field `risks`"), "{message}");
        assert!(message.ends_with("; did you mean `risk`?"), "{message}");
    }

    #[test]
    fn a_value_that_has_no_meaning_is_named_with_its_line() {
        let message = error("[run]\nleaving_first = 50\n");
        assert!(message.starts_with("plimsoll.toml:2: 50 is outside 0 to 1"), "{message}");
        let message = error("[backtest]\ncapital = -1\n");
        assert!(
            message.starts_with("plimsoll.toml:2: -1e0 is not a number from 1 to 1e15"),
            "{message}"
        );
    }

    #[test]
    fn the_environment_overrides_the_file_and_is_checked_alike() {
        let set = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
        let text = "[risk]\nline = \"balanced\"\n";
        let config = parse("f", text, set("PLIMSOLL__RISK__LINE", "cautious")).unwrap();
        assert_eq!(config.risk, RiskPreference::of_line(plimsoll_core::RiskLine::Cautious));
        let config = parse("f", text, set("PLIMSOLL__RISK__DIAL", "1.0")).unwrap();
        assert_eq!(config.risk, RiskPreference::of_line(plimsoll_core::RiskLine::Adventurous));
        let config = parse("f", "", set("PLIMSOLL__BACKTEST__COST_BPS", "7")).unwrap();
        assert_eq!(config.backtest.cost_bps, BasisPoints(7));
        let message = parse("f", "", set("PLIMSOLL__RISK__PER_PROTOCL", "0.1")).unwrap_err();
        assert!(message.contains("PLIMSOLL__RISK__PER_PROTOCL"), "{message}");
        assert!(message.contains("did you mean `per_protocol`?"), "{message}");
    }

    #[test]
    fn the_example_file_is_the_default() {
        let text = include_str!("../config/example.toml");
        let config = parse("example.toml", text, Vec::new()).unwrap();
        assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    }
}
