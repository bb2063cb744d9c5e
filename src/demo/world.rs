//! `plimsoll demo --world FILE` and `--prices FILE`: how the people of a demo live, and what ether costs, where it is not as usual.

use super::stage::{DAYS_BEFORE, Scope};
use crate::cli::DemoOptions;
use crate::exit::Kind;
use anyhow::Context;
use plimsoll_adapters::parquet::recorded_path;
use plimsoll_localchain::{MarketSettings, PricePath, SceneSettings, WorldSettings};
use serde::Deserialize;
use std::path::Path;

/// Days that the first campaigns last: they are there when the depositors come, and end while the engine runs.
pub(crate) const CAMPAIGN_DAYS: u64 = 60;

/// What a file may say of a world; what it leaves out is as usual.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WorldFile {
    /// Ether's volatility, per square root of a year.
    volatility: f64,
    /// How often ether falls at once, a year.
    falls_per_year: f64,
    /// The median trade without knowledge, as a part of a pool, in an hour.
    noise_per_hour: f64,
    /// The probability that somebody who knows the price trades first.
    informed: f64,
    /// What validators earn: a simple yearly fraction.
    validator_apr: f64,
    /// Days that a withdrawal of staked ether waits.
    queue_days: u64,
    /// Days that the first campaigns last, from the world's beginning on.
    campaign_days: u64,
    /// Days between a campaign's end and the next; a negative number for none.
    gap_days: i64,
}

impl Default for WorldFile {
    fn default() -> WorldFile {
        let (people, scene) = (MarketSettings::default(), SceneSettings::default());
        WorldFile {
            volatility: people.volatility,
            falls_per_year: people.falls_per_year,
            noise_per_hour: scene.noise_per_hour,
            informed: scene.informed,
            validator_apr: scene.validator_apr,
            queue_days: scene.queue_days,
            campaign_days: CAMPAIGN_DAYS,
            gap_days: scene.gap_days.and_then(|days| i64::try_from(days).ok()).unwrap_or(-1),
        }
    }
}

impl WorldFile {
    /// Reads a file; without one everything is as usual.
    pub(crate) fn read(file: Option<&Path>) -> anyhow::Result<WorldFile> {
        let Some(file) = file else { return Ok(WorldFile::default()) };
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("{}: the world cannot be read", file.display()))
            .context(Kind::Data)?;
        let world: WorldFile = toml::from_str(&text)
            .with_context(|| format!("{}: it is no world", file.display()))
            .context(Kind::Settings)?;
        world.checked().with_context(|| file.display().to_string()).context(Kind::Settings)
    }

    fn checked(self) -> anyhow::Result<WorldFile> {
        let rates = [
            ("volatility", self.volatility, 3.0),
            ("falls_per_year", self.falls_per_year, 1_000.0),
            ("noise_per_hour", self.noise_per_hour, 0.05),
            ("informed", self.informed, 1.0),
            ("validator_apr", self.validator_apr, 1.0),
        ];
        for (name, value, most) in rates {
            anyhow::ensure!(
                (0.0..=most).contains(&value),
                "`{name}` is {value}; it has to lie between 0 and {most}"
            );
        }
        let days =
            [("queue_days", self.queue_days, 365), ("campaign_days", self.campaign_days, 60)];
        for (name, value, most) in days {
            anyhow::ensure!(value <= most, "`{name}` is {value}; it can be {most} at most");
        }
        anyhow::ensure!(
            self.campaign_days > 0,
            "`campaign_days` is 0; a campaign lasts a day at least"
        );
        Ok(self)
    }

    /// The people of it.
    pub(crate) fn people(&self, seed: u64) -> MarketSettings {
        MarketSettings {
            seed,
            volatility: self.volatility,
            falls_per_year: self.falls_per_year,
            ..MarketSettings::default()
        }
    }

    /// Everything of it.
    pub(crate) fn scope(&self) -> Scope {
        Scope::Everything {
            scene: SceneSettings {
                noise_per_hour: self.noise_per_hour,
                informed: self.informed,
                validator_apr: self.validator_apr,
                queue_days: self.queue_days,
                gap_days: u64::try_from(self.gap_days).ok(),
                ..SceneSettings::default()
            },
            world: WorldSettings { campaign_days: self.campaign_days },
        }
    }
}

/// Reads the prices that ether follows from the world's beginning on, where there is a file of them.
pub(crate) fn recorded(options: &DemoOptions) -> anyhow::Result<Option<PricePath>> {
    let Some(file) = &options.prices else { return Ok(None) };
    let days = DAYS_BEFORE.saturating_add(options.days);
    let span = (options.prices_from, i64::try_from(days)?);
    let path = recorded_path(file, &options.prices_of, span)
        .with_context(|| format!("a demo of {} days needs prices of {days}", options.days))
        .context(Kind::Data)?;
    let points = path
        .into_iter()
        .filter_map(|(time, price)| Some((u64::try_from(time.0).ok()? / 1_000, price)));
    let path = PricePath::new(points.collect());
    path.map(Some).with_context(|| file.display().to_string()).context(Kind::Data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_says_only_what_is_unusual_and_nothing_unknown() {
        let read = |text: &str| toml::from_str::<WorldFile>(text);
        let world = read("noise_per_hour = 0.02\ngap_days = -1").unwrap();
        assert_eq!(WorldFile { noise_per_hour: 0.02, gap_days: -1, ..WorldFile::default() }, world);
        let Scope::Everything { scene, .. } = world.scope() else { panic!("everything") };
        assert_eq!(scene.gap_days, None);
        assert!(read("noise = 0.02").unwrap_err().to_string().contains("noise"));
    }

    #[test]
    fn a_world_that_cannot_be_is_refused_with_its_bounds() {
        let wild = WorldFile { informed: 1.5, ..WorldFile::default() };
        let said = wild.checked().unwrap_err().to_string();
        assert!(said.contains("`informed` is 1.5") && said.contains("between 0 and 1"), "{said}");
        let endless = WorldFile { campaign_days: 61, ..WorldFile::default() };
        assert!(endless.checked().unwrap_err().to_string().contains("60 at most"));
    }
}
