//! Stated priors of rare losses, read from one file.

use plimsoll_core::MarketId;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The file that is compiled in.
const FILE: &str = include_str!("priors.toml");

/// How likely a loss is, and how much is lost then.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prior {
    /// Whom it is for: names, or beginnings of names that end in a hyphen.
    #[serde(default)]
    pub names: Vec<String>,
    /// Probability within a year.
    pub probability: f64,
    /// (probability, share lost) of each severity.
    pub severity: Vec<(f64, f64)>,
    /// Where the numbers come from, or that they are an assumption.
    pub source: String,
}

impl Prior {
    /// The mean share lost when it happens.
    #[must_use]
    pub fn mean_severity(&self) -> f64 {
        self.severity.iter().map(|(probability, lost)| probability * lost).sum()
    }

    /// Returns the share lost at `draw`, a number from 0 to 1.
    #[must_use]
    pub fn severity_at(&self, draw: f64) -> f64 {
        let mut passed = 0.0;
        for (probability, lost) in &self.severity {
            passed += probability;
            if draw < passed {
                return *lost;
            }
        }
        self.severity.last().map_or(0.0, |(_, lost)| *lost)
    }

    fn names(&self, name: &str) -> bool {
        self.names
            .iter()
            .any(|known| known == name || known.ends_with('-') && name.starts_with(known.as_str()))
    }
}

/// Every prior.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Priors {
    /// Whole protocols, by class; `unrated` is everything not named.
    pub protocol: BTreeMap<String, Prior>,
    /// Issuers, by class; `other` is everyone not named.
    pub issuer: BTreeMap<String, Prior>,
    /// One market alone.
    pub market: Prior,
    /// The same of a token that stands for staked ether: slashing.
    pub slashing: Prior,
    /// A whole chain.
    pub chain: Prior,
}

/// Why the file of priors cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PriorsError {
    /// It is not the table that is expected.
    #[error("priors: {detail}")]
    Form {
        /// What is wrong, with the line.
        detail: String,
    },
    /// A number that is no probability, or severities that do not add up to one.
    #[error("priors: {place}: {field} is {found}, expected {expected}")]
    Range {
        /// Which prior.
        place: String,
        /// Which number.
        field: &'static str,
        /// What was found.
        found: f64,
        /// What is expected.
        expected: &'static str,
    },
    /// A prior without a source.
    #[error("priors: {place}: no source; name one, or write \"assumption\"")]
    NoSource {
        /// Which prior.
        place: String,
    },
    /// A class that must be there.
    #[error("priors: the class {class} is missing")]
    NoClass {
        /// Its name.
        class: &'static str,
    },
}

impl Priors {
    /// Reads the file that is compiled in.
    ///
    /// # Errors
    /// [`PriorsError`]; a test holds that there is none.
    pub fn stated() -> Result<Priors, PriorsError> {
        Priors::parse(FILE)
    }

    /// Reads a file of priors.
    ///
    /// # Errors
    /// [`PriorsError`], naming the prior and the number.
    pub fn parse(text: &str) -> Result<Priors, PriorsError> {
        let priors: Priors = toml::from_str(text)
            .map_err(|error| PriorsError::Form { detail: error.to_string() })?;
        if !priors.protocol.contains_key("unrated") {
            return Err(PriorsError::NoClass { class: "protocol.unrated" });
        }
        if !priors.issuer.contains_key("other") {
            return Err(PriorsError::NoClass { class: "issuer.other" });
        }
        let named = |kind: &'static str, classes: &'_ BTreeMap<String, Prior>| {
            classes.iter().map(|(c, p)| (format!("{kind}.{c}"), p.clone())).collect::<Vec<_>>()
        };
        let mut all = named("protocol", &priors.protocol);
        all.extend(named("issuer", &priors.issuer));
        all.push(("market".to_owned(), priors.market.clone()));
        all.push(("slashing".to_owned(), priors.slashing.clone()));
        all.push(("chain".to_owned(), priors.chain.clone()));
        for (place, prior) in all {
            check(&place, &prior)?;
        }
        Ok(priors)
    }

    /// The prior of a protocol.
    #[must_use]
    pub fn of_protocol(&self, name: &str) -> &Prior {
        let known = self.protocol.values().find(|prior| prior.names(name));
        known.or_else(|| self.protocol.get("unrated")).unwrap_or(&self.market)
    }

    /// The prior of an issuer.
    #[must_use]
    pub fn of_issuer(&self, name: &str) -> &Prior {
        let known = self.issuer.values().find(|prior| prior.names(name));
        known.or_else(|| self.issuer.get("other")).unwrap_or(&self.market)
    }

    /// Everything that can happen to `market` whose asset `issuer` issues; an unknown issuer counts as one
    /// that is not named.
    #[must_use]
    pub fn of_market(&self, market: &MarketId, issuer: Option<&str>) -> [&Prior; 4] {
        [
            self.of_protocol(market.protocol()),
            self.of_issuer(issuer.unwrap_or_default()),
            self.of_position(market.protocol()),
            &self.chain,
        ]
    }

    /// The prior of what a protocol does with what it is given: bad debt, or slashing.
    fn of_position(&self, protocol: &str) -> &Prior {
        if self.is_slashed(protocol) { &self.slashing } else { &self.market }
    }

    /// Whether what a protocol is given can be slashed.
    #[must_use]
    pub fn is_slashed(&self, protocol: &str) -> bool {
        self.slashing.names(protocol)
    }

    /// Probability that lenders in `market` lose within a year.
    #[must_use]
    pub fn p_loss_1y(&self, market: &MarketId, issuer: Option<&str>) -> f64 {
        let safe = |safe: f64, prior: &&Prior| safe * (1.0 - prior.probability);
        1.0 - self.of_market(market, issuer).iter().fold(1.0, safe)
    }

    /// Yearly share of a deposit in `market` that is expected to be lost.
    #[must_use]
    pub fn expected_loss(&self, market: &MarketId, issuer: Option<&str>) -> f64 {
        let each = self.of_market(market, issuer);
        each.iter().map(|prior| prior.probability * prior.mean_severity()).sum()
    }
}

fn check(place: &str, prior: &Prior) -> Result<(), PriorsError> {
    let range = |field, found, expected| {
        Err(PriorsError::Range { place: place.to_owned(), field, found, expected })
    };
    if !(0.0..=1.0).contains(&prior.probability) {
        return range("probability", prior.probability, "a fraction from 0 to 1");
    }
    for (probability, lost) in &prior.severity {
        if !(0.0..=1.0).contains(probability) || !(0.0..=1.0).contains(lost) {
            return range("severity", *lost, "pairs of fractions from 0 to 1");
        }
    }
    let sum: f64 = prior.severity.iter().map(|(probability, _)| probability).sum();
    if (sum - 1.0).abs() > 1e-9 {
        return range("severity", sum, "probabilities that sum to 1");
    }
    if prior.source.trim().is_empty() {
        return Err(PriorsError::NoSource { place: place.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stated_prior_has_a_source_and_adds_up() {
        let priors = Priors::stated().unwrap();
        let aave: MarketId = "aave-v3:1:0xa".parse().unwrap();
        // 0.003 x 0.315 + 0.002 x 0.032 + 0.004 x 0.059 + 0.0003 x 0.14
        let expected = 0.000_945 + 0.000_064 + 0.000_236 + 0.000_042;
        assert!((priors.expected_loss(&aave, Some("circle")) - expected).abs() < 1e-12);
        let p = 1.0 - 0.997 * 0.998 * 0.996 * 0.9997;
        assert!((priors.p_loss_1y(&aave, Some("circle")) - p).abs() < 1e-12);
    }

    #[test]
    fn staked_ether_is_slashed_and_has_no_bad_debt() {
        let priors = Priors::stated().unwrap();
        let staked: MarketId = "staked-eth:1:0xa".parse().unwrap();
        let [_, _, position, _] = priors.of_market(&staked, Some("lido"));
        assert_eq!(position, &priors.slashing);
        // 0.02 x (0.9 x 0.001 + 0.08 x 0.02 + 0.02 x 0.15) instead of 0.004 x 0.059
        let other: MarketId = "stack:1:0xa".parse().unwrap();
        let more = priors.expected_loss(&other, Some("lido"))
            - priors.expected_loss(&staked, Some("lido"));
        assert!((more - (0.000_236 - 0.000_11)).abs() < 1e-12, "{more}");
        let safe = |market| 1.0 - priors.p_loss_1y(market, Some("lido"));
        assert!((safe(&staked) / safe(&other) - 0.98 / 0.996).abs() < 1e-12);
    }

    #[test]
    fn the_unknown_is_never_safer_than_the_known() {
        let priors = Priors::stated().unwrap();
        let (known, unknown): (MarketId, MarketId) =
            ("aave-v3:1:0xa".parse().unwrap(), "yolo:1:0xa".parse().unwrap());
        assert!(priors.p_loss_1y(&unknown, None) > priors.p_loss_1y(&known, Some("circle")));
        assert!(
            priors.expected_loss(&unknown, None) > priors.expected_loss(&known, Some("circle"))
        );
        assert_eq!(priors.of_protocol("synthetic-3"), &priors.protocol["synthetic"]);
    }

    #[test]
    fn a_prior_that_does_not_add_up_or_has_no_source_is_refused() {
        let broken = |from: &str, to: &str| {
            Priors::parse(&FILE.replacen(from, to, 1)).unwrap_err().to_string()
        };
        assert_eq!(
            broken("probability = 0.003", "probability = 3.0"),
            "priors: protocol.established: probability is 3, expected a fraction from 0 to 1"
        );
        assert!(broken("[0.70, 0.20]", "[0.60, 0.20]").contains("probabilities that sum to 1"));
        assert!(broken("source = \"assumption\"", "source = \"\"").contains("no source"));
        assert!(broken("names = []", "nmaes = []").contains("unknown field"));
    }
}
