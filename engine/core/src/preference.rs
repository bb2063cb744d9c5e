//! The owner's risk line: one dial with three named points, each a vector of limits that the owner
//! may edit one by one.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A number from 0 to 1 that cannot be anything else.
///
/// # Units
/// A fraction: 0.25 is 25 %.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Fraction(f64);

impl Fraction {
    /// Returns the fraction, or `None` for NaN and anything outside 0..=1.
    #[must_use]
    pub fn new(value: f64) -> Option<Fraction> {
        (0.0..=1.0).contains(&value).then_some(Fraction(value))
    }

    /// Returns a whole number of percent as a fraction; more than 100 counts as 100.
    #[must_use]
    pub fn of_percent(percent: u8) -> Fraction {
        Fraction(f64::from(percent.min(100)) / 100.0)
    }

    /// The number.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }
}

/// A named point of the dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RiskLine {
    /// Dial 0.
    Cautious,
    /// Dial 0.5.
    Balanced,
    /// Dial 1.
    Adventurous,
}

impl RiskLine {
    /// All named points, from the most careful.
    pub const ALL: [RiskLine; 3] = [RiskLine::Cautious, RiskLine::Balanced, RiskLine::Adventurous];

    /// The point's place on the dial.
    #[must_use]
    pub fn dial(self) -> f64 {
        match self {
            RiskLine::Cautious => 0.0,
            RiskLine::Balanced => 0.5,
            RiskLine::Adventurous => 1.0,
        }
    }
}

impl fmt::Display for RiskLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RiskLine::Cautious => "cautious",
            RiskLine::Balanced => "balanced",
            RiskLine::Adventurous => "adventurous",
        })
    }
}

impl FromStr for RiskLine {
    type Err = PreferenceError;

    fn from_str(text: &str) -> Result<RiskLine, PreferenceError> {
        RiskLine::ALL
            .into_iter()
            .find(|line| line.to_string() == text.to_lowercase())
            .ok_or_else(|| PreferenceError::UnknownLine { found: text.to_owned() })
    }
}

/// What the line limits. The names are those of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Mean loss beyond the 5 % quantile over 30 days, market risk, net of yield.
    Cvar95_30d,
    /// Mean loss beyond the 0.1 % quantile over a year, rare losses.
    Es999_1y,
    /// Loss if the largest protocol goes to zero.
    WorstProtocolLoss,
    /// Largest share of NAV in one protocol.
    PerProtocol,
    /// Largest share of NAV resting on one issuer, oracle feed or curator.
    PerIssuer,
    /// Largest share of NAV on one chain.
    PerChain,
    /// Largest share of NAV in markets whose worth moves with a foreign price: all of it may end up there.
    ForeignExposure,
    /// How many wrappers may lie between the vault and the asset.
    WrapDepth,
    /// Smallest share of NAV that can leave within 24 hours of a run.
    #[serde(rename = "exit_24h_run")]
    Exit24hRun,
}

impl Limit {
    /// Every limit, in the order of the table in the documentation.
    pub const ALL: [Limit; 9] = [
        Limit::Cvar95_30d,
        Limit::Es999_1y,
        Limit::WorstProtocolLoss,
        Limit::PerProtocol,
        Limit::PerIssuer,
        Limit::PerChain,
        Limit::ForeignExposure,
        Limit::WrapDepth,
        Limit::Exit24hRun,
    ];

    /// The key of the limit in the settings.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Limit::Cvar95_30d => "cvar95_30d",
            Limit::Es999_1y => "es999_1y",
            Limit::WorstProtocolLoss => "worst_protocol_loss",
            Limit::PerProtocol => "per_protocol",
            Limit::PerIssuer => "per_issuer",
            Limit::PerChain => "per_chain",
            Limit::ForeignExposure => "foreign_exposure",
            Limit::WrapDepth => "wrap_depth",
            Limit::Exit24hRun => "exit_24h_run",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// The limits of one owner.
///
/// Built from a place on the dial, then edited limit by limit; a value that has no meaning cannot be
/// held.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Settings")]
pub struct RiskPreference {
    /// See [`Limit::Cvar95_30d`].
    pub cvar95_30d: Fraction,
    /// See [`Limit::Es999_1y`].
    pub es999_1y: Fraction,
    /// See [`Limit::WorstProtocolLoss`].
    pub worst_protocol_loss: Fraction,
    /// See [`Limit::PerProtocol`].
    pub per_protocol: Fraction,
    /// See [`Limit::PerIssuer`].
    pub per_issuer: Fraction,
    /// See [`Limit::PerChain`]. No named point sets it: a vault stands on one chain.
    pub per_chain: Fraction,
    /// See [`Limit::ForeignExposure`].
    pub foreign_exposure: Fraction,
    /// See [`Limit::WrapDepth`].
    pub wrap_depth: u8,
    /// See [`Limit::Exit24hRun`].
    pub exit_24h_run: Fraction,
}

/// Why settings describe no preference.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PreferenceError {
    /// No such named point.
    #[error("risk line {found:?} is not known; choose cautious, balanced or adventurous")]
    UnknownLine {
        /// What was given.
        found: String,
    },
    /// Both the named point and the dial were given.
    #[error("give either `line` or `dial`, not both: each sets every limit")]
    LineAndDial,
    /// A number outside its range.
    #[error(
        "{key} = {found} is outside 0 to 1: a fraction is expected, so {found} % is written {as_fraction}"
    )]
    OutOfRange {
        /// The setting.
        key: &'static str,
        /// What was given.
        found: f64,
        /// What it would be, had it been meant as percent.
        as_fraction: f64,
    },
}

impl RiskPreference {
    /// Returns the limits at a named point.
    #[must_use]
    pub fn of_line(line: RiskLine) -> RiskPreference {
        let of = |cvar, es, worst, protocol, issuer, foreign, wrap_depth, exit| RiskPreference {
            cvar95_30d: Fraction(cvar),
            es999_1y: Fraction(es),
            worst_protocol_loss: Fraction(worst),
            per_protocol: Fraction(protocol),
            per_issuer: Fraction(issuer),
            per_chain: Fraction(1.0),
            foreign_exposure: Fraction(foreign),
            wrap_depth,
            exit_24h_run: Fraction(exit),
        };
        match line {
            RiskLine::Cautious => of(0.0025, 0.15, 0.25, 0.25, 0.25, 0.10, 1, 0.90),
            RiskLine::Balanced => of(0.01, 0.30, 0.35, 0.35, 0.35, 0.25, 2, 0.60),
            RiskLine::Adventurous => of(0.04, 0.50, 0.50, 0.50, 0.50, 0.50, 3, 0.30),
        }
    }

    /// Returns the limits at any place of the dial: linear between the named points, the whole
    /// number of wrappers rounded down, toward care.
    #[must_use]
    pub fn at_dial(dial: Fraction) -> RiskPreference {
        let (low, high, along) = if dial.0 < 0.5 {
            (RiskLine::Cautious, RiskLine::Balanced, dial.0 * 2.0)
        } else {
            (RiskLine::Balanced, RiskLine::Adventurous, dial.0 * 2.0 - 1.0)
        };
        let (low, high) = (RiskPreference::of_line(low), RiskPreference::of_line(high));
        let mix = |a: Fraction, b: Fraction| Fraction(a.0 + (b.0 - a.0) * along);
        RiskPreference {
            cvar95_30d: mix(low.cvar95_30d, high.cvar95_30d),
            es999_1y: mix(low.es999_1y, high.es999_1y),
            worst_protocol_loss: mix(low.worst_protocol_loss, high.worst_protocol_loss),
            per_protocol: mix(low.per_protocol, high.per_protocol),
            per_issuer: mix(low.per_issuer, high.per_issuer),
            per_chain: mix(low.per_chain, high.per_chain),
            foreign_exposure: mix(low.foreign_exposure, high.foreign_exposure),
            wrap_depth: if along < 1.0 { low.wrap_depth } else { high.wrap_depth },
            exit_24h_run: mix(low.exit_24h_run, high.exit_24h_run),
        }
    }

    /// Returns the value of one limit as text with its unit.
    #[must_use]
    pub fn describe(&self, limit: Limit) -> String {
        let percent = |value: Fraction| format!("{:.2} %", value.0 * 100.0);
        match limit {
            Limit::Cvar95_30d => percent(self.cvar95_30d),
            Limit::Es999_1y => percent(self.es999_1y),
            Limit::WorstProtocolLoss => percent(self.worst_protocol_loss),
            Limit::PerProtocol => percent(self.per_protocol),
            Limit::PerIssuer => percent(self.per_issuer),
            Limit::PerChain => percent(self.per_chain),
            Limit::ForeignExposure => percent(self.foreign_exposure),
            Limit::WrapDepth => format!("{} wrappers", self.wrap_depth),
            Limit::Exit24hRun => percent(self.exit_24h_run),
        }
    }
}

impl Default for RiskPreference {
    fn default() -> RiskPreference {
        RiskPreference::of_line(RiskLine::Balanced)
    }
}

/// The settings as a person writes them: a named point or a place on the dial, then edits.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    line: Option<String>,
    dial: Option<f64>,
    cvar95_30d: Option<f64>,
    es999_1y: Option<f64>,
    worst_protocol_loss: Option<f64>,
    per_protocol: Option<f64>,
    per_issuer: Option<f64>,
    per_chain: Option<f64>,
    foreign_exposure: Option<f64>,
    wrap_depth: Option<u8>,
    exit_24h_run: Option<f64>,
}

impl TryFrom<Settings> for RiskPreference {
    type Error = PreferenceError;

    fn try_from(settings: Settings) -> Result<RiskPreference, PreferenceError> {
        let fraction = |key, value: f64| {
            Fraction::new(value).ok_or(PreferenceError::OutOfRange {
                key,
                found: value,
                as_fraction: value / 100.0,
            })
        };
        let base = match (settings.line, settings.dial) {
            (Some(_), Some(_)) => return Err(PreferenceError::LineAndDial),
            (Some(line), None) => RiskPreference::of_line(line.parse()?),
            (None, Some(dial)) => RiskPreference::at_dial(fraction("dial", dial)?),
            (None, None) => RiskPreference::default(),
        };
        let edit =
            |key, given: Option<f64>, base| given.map_or(Ok(base), |value| fraction(key, value));
        Ok(RiskPreference {
            cvar95_30d: edit("cvar95_30d", settings.cvar95_30d, base.cvar95_30d)?,
            es999_1y: edit("es999_1y", settings.es999_1y, base.es999_1y)?,
            worst_protocol_loss: edit(
                "worst_protocol_loss",
                settings.worst_protocol_loss,
                base.worst_protocol_loss,
            )?,
            per_protocol: edit("per_protocol", settings.per_protocol, base.per_protocol)?,
            per_issuer: edit("per_issuer", settings.per_issuer, base.per_issuer)?,
            per_chain: edit("per_chain", settings.per_chain, base.per_chain)?,
            foreign_exposure: edit(
                "foreign_exposure",
                settings.foreign_exposure,
                base.foreign_exposure,
            )?,
            wrap_depth: settings.wrap_depth.unwrap_or(base.wrap_depth),
            exit_24h_run: edit("exit_24h_run", settings.exit_24h_run, base.exit_24h_run)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<RiskPreference, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn the_named_points_lie_on_the_dial() {
        for line in RiskLine::ALL {
            let at = RiskPreference::at_dial(Fraction::new(line.dial()).unwrap());
            assert_eq!(at, RiskPreference::of_line(line), "{line}");
        }
    }

    #[test]
    fn a_limit_is_written_by_its_key() {
        for limit in Limit::ALL {
            assert_eq!(serde_json::to_value(limit).unwrap(), limit.key());
        }
    }

    #[test]
    fn every_limit_can_be_edited_alone() {
        let edited = parse("line = \"cautious\"\nper_protocol = 0.4\nwrap_depth = 3").unwrap();
        let base = RiskPreference::of_line(RiskLine::Cautious);
        assert_eq!(edited.per_protocol, Fraction::new(0.4).unwrap());
        assert_eq!(edited.wrap_depth, 3);
        assert_eq!(edited.es999_1y, base.es999_1y);
        assert_eq!(edited.exit_24h_run, base.exit_24h_run);
    }

    #[test]
    fn percent_where_a_fraction_belongs_is_refused_with_the_fraction() {
        assert_eq!(
            parse("per_issuer = 25").unwrap_err(),
            "per_issuer = 25 is outside 0 to 1: a fraction is expected, so 25 % is written 0.25"
        );
        assert!(parse("dial = nan").unwrap_err().contains("outside 0 to 1"));
    }

    #[test]
    fn settings_that_contradict_or_are_unknown_are_refused() {
        assert!(
            parse("line = \"balanced\"\ndial = 0.2")
                .unwrap_err()
                .contains("either `line` or `dial`")
        );
        assert!(
            parse("line = \"bold\"").unwrap_err().contains("cautious, balanced or adventurous")
        );
        assert!(parse("per_protocl = 0.2").unwrap_err().contains("unknown field"));
    }

    proptest! {
        #[test]
        fn turning_the_dial_up_never_tightens_a_limit(a in 0.0f64..=1.0, b in 0.0f64..=1.0) {
            let at = |dial| RiskPreference::at_dial(Fraction::new(dial).unwrap());
            let (careful, bold) = (at(a.min(b)), at(a.max(b)));
            let sentence = "turning the dial up never tightens a limit";
            prop_assert!(careful.cvar95_30d <= bold.cvar95_30d, "{}", sentence);
            prop_assert!(careful.es999_1y <= bold.es999_1y, "{}", sentence);
            prop_assert!(careful.worst_protocol_loss <= bold.worst_protocol_loss, "{}", sentence);
            prop_assert!(careful.per_protocol <= bold.per_protocol, "{}", sentence);
            prop_assert!(careful.per_issuer <= bold.per_issuer, "{}", sentence);
            prop_assert!(careful.foreign_exposure <= bold.foreign_exposure, "{}", sentence);
            prop_assert!(careful.wrap_depth <= bold.wrap_depth, "{}", sentence);
            prop_assert!(careful.exit_24h_run >= bold.exit_24h_run, "{}", sentence);
        }
    }
}
