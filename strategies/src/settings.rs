//! Strategies by name.

use crate::{Allocator, Equal, HighestApr, Hold, Mean7Hysteresis};
use plimsoll_allocate::AllocatorSettings;
use plimsoll_frame::Strategy;
use std::collections::BTreeMap;
use std::str::FromStr;

/// The names, in the order in which they are reported by default.
const NAMES: [&str; 8] =
    ["hold", "equal", "highest-apr", "mean7-hysteresis", "stake", "lp-range", "mine", "allocator"];

/// Why a text names no strategy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No such strategy.
    #[error("strategy {found:?} is not known{nearest}; there are {known}")]
    UnknownStrategy {
        /// What was asked for.
        found: String,
        /// The nearest name, as a phrase.
        nearest: String,
        /// All names.
        known: String,
    },
    /// A parameter that the strategy does not have.
    #[error("strategy {strategy}: parameter {found:?} is not known; it takes {known}")]
    UnknownParameter {
        /// The strategy.
        strategy: String,
        /// What was given.
        found: String,
        /// What it takes.
        known: String,
    },
    /// A parameter whose value cannot be read.
    #[error("strategy {strategy}: {parameter} = {found:?} is not {expected}")]
    BadValue {
        /// The strategy.
        strategy: String,
        /// The parameter.
        parameter: String,
        /// What was given.
        found: String,
        /// What is expected.
        expected: &'static str,
    },
}

/// Returns the strategies that a backtest compares unless it is told otherwise.
#[must_use]
pub fn default_set() -> Vec<Box<dyn Strategy>> {
    let week = Mean7Hysteresis::default().trailing_days;
    vec![
        Box::new(Hold::default()),
        Box::new(Equal),
        Box::new(HighestApr::default()),
        Box::new(HighestApr { trailing_days: week }),
        Box::new(Mean7Hysteresis::default()),
        Box::new(Allocator::default()),
    ]
}

/// Returns the strategy of `spec`: a name, then `@parameter=value` for each parameter, as in
/// `highest-apr@trailing_days=7` or `hold@market=aave-v3:1:0xdac17f958d2ee523a2206206994597c13d831ec7`.
///
/// # Errors
/// [`SettingsError`], with the nearest name.
pub fn by_name(spec: &str) -> Result<Box<dyn Strategy>, SettingsError> {
    let mut parts = spec.split('@');
    let name = parts.next().unwrap_or_default().trim();
    let mut given = Given { strategy: name.to_owned(), values: BTreeMap::new() };
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        given.values.insert(key.trim().to_owned(), value.trim().to_owned());
    }
    let strategy: Box<dyn Strategy> = match name {
        "hold" => {
            Box::new(Hold { market: given.take("market", "a market id protocol:chainId:address")? })
        }
        "equal" => Box::new(Equal),
        "highest-apr" => {
            let days = given.take("trailing_days", "a whole number of days from 1")?;
            Box::new(
                days.map_or_else(HighestApr::default, |trailing_days| HighestApr { trailing_days }),
            )
        }
        "mean7-hysteresis" => {
            let base = Mean7Hysteresis::default();
            let days = given.take("trailing_days", "a whole number of days from 1")?;
            let margin: Option<Margin> =
                given.take("margin", "a fraction from 0 to 1, such as 0.01")?;
            Box::new(Mean7Hysteresis {
                trailing_days: days.unwrap_or(base.trailing_days),
                margin: margin.map_or(base.margin, |margin| margin.0),
            })
        }
        "allocator" => {
            Box::new(Allocator { settings: allocator(&mut given, Allocator::default())? })
        }
        "stake" => Box::new(Allocator { settings: allocator(&mut given, Allocator::stake())? }),
        "lp-range" => {
            Box::new(Allocator { settings: allocator(&mut given, Allocator::lp_range())? })
        }
        "mine" => Box::new(Allocator { settings: allocator(&mut given, Allocator::mine())? }),
        _ => return Err(unknown(name)),
    };
    given.finish(&strategy.params())?;
    Ok(strategy)
}

fn allocator(given: &mut Given, base: Allocator) -> Result<AllocatorSettings, SettingsError> {
    let base = base.settings;
    let mut number = |key, known: f64, least: f64, most: f64, expected| {
        let found: Option<f64> = given.take(key, expected)?;
        match found {
            Some(value) if (least..=most).contains(&value) => Ok(value),
            Some(value) => Err(SettingsError::BadValue {
                strategy: given.strategy.clone(),
                parameter: key.to_owned(),
                found: value.to_string(),
                expected,
            }),
            None => Ok(known),
        }
    };
    Ok(AllocatorSettings {
        horizon_days: number(
            "horizon_days",
            base.horizon_days,
            1.0,
            3_650.0,
            "a number of days from 1 to 3650",
        )?,
        aversion: number(
            "aversion",
            base.aversion,
            0.0,
            1.0,
            "a number from 0 to 1, such as 0.001",
        )?,
        confidence: number("confidence", base.confidence, 0.0, 1.0, "a probability from 0 to 1")?,
        least_lift: number(
            "least_lift",
            base.least_lift,
            0.0,
            1.0,
            "a fraction from 0 to 1, such as 0.0005",
        )?,
        most_entered: number(
            "most_entered",
            base.most_entered,
            0.0,
            1.0,
            "a fraction from 0 to 1",
        )?,
        stay_days: number(
            "stay_days",
            base.stay_days,
            0.0,
            3_650.0,
            "a number of days from 0 to 3650",
        )?,
        undo_days: number(
            "undo_days",
            base.undo_days,
            0.0,
            3_650.0,
            "a number of days from 0 to 3650",
        )?,
        headroom: number(
            "headroom",
            base.headroom,
            0.0,
            0.1,
            "a fraction from 0 to 0.1, such as 0.02",
        )?,
        kinds: base.kinds,
    })
}

/// Parameters that were given and not yet taken.
struct Given {
    strategy: String,
    values: BTreeMap<String, String>,
}

impl Given {
    fn take<T: FromStr>(
        &mut self,
        key: &str,
        expected: &'static str,
    ) -> Result<Option<T>, SettingsError> {
        let Some(text) = self.values.remove(key) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| SettingsError::BadValue {
            strategy: self.strategy.clone(),
            parameter: key.to_owned(),
            found: text,
            expected,
        })
    }

    fn finish(self, known: &BTreeMap<&'static str, String>) -> Result<(), SettingsError> {
        let Some((found, _)) = self.values.into_iter().next() else {
            return Ok(());
        };
        let known: Vec<&str> = known.keys().copied().collect();
        Err(SettingsError::UnknownParameter {
            strategy: self.strategy,
            found,
            known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
        })
    }
}

/// A margin that cannot be negative, NaN or percent.
struct Margin(f64);

impl FromStr for Margin {
    type Err = ();

    fn from_str(text: &str) -> Result<Margin, ()> {
        let value: f64 = text.parse().map_err(|_| ())?;
        (0.0..=1.0).contains(&value).then_some(Margin(value)).ok_or(())
    }
}

fn unknown(found: &str) -> SettingsError {
    let nearest = NAMES
        .into_iter()
        .map(|name| (strsim::jaro_winkler(found, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| format!("; did you mean {name:?}?"))
        .unwrap_or_default();
    SettingsError::UnknownStrategy { found: found.to_owned(), nearest, known: NAMES.join(", ") }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
