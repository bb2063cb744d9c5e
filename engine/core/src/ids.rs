//! Market and chain identifiers. Names change, addresses do not: nothing is keyed by a symbol.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// An EIP-155 chain id; 0 where the source names no chain or one without such an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainId(pub u64);

/// Names under which sources know chains, with the EIP-155 id of each.
///
/// # Source
/// The `ethereum-lists/chains` registry.
const CHAINS: &[(&str, u64)] = &[
    ("ethereum", 1),
    ("optimism", 10),
    ("cronos", 25),
    ("bnb", 56),
    ("gnosis", 100),
    ("polygon", 137),
    ("sonic", 146),
    ("op_bnb", 204),
    ("zksync", 324),
    ("metis", 1088),
    ("base", 8453),
    ("arbitrum", 42_161),
    ("celo", 42_220),
    ("avalanche", 43_114),
    ("linea", 59_144),
    ("scroll", 534_352),
];

/// Other spellings of the names in [`CHAINS`].
const CHAIN_ALIASES: &[(&str, &str)] = &[
    ("mainnet", "ethereum"),
    ("eth", "ethereum"),
    ("arbitrum one", "arbitrum"),
    ("base mainnet", "base"),
    ("bsc", "bnb"),
    ("bnb smart chain", "bnb"),
    ("binance", "bnb"),
    ("xdai", "gnosis"),
    ("op mainnet", "optimism"),
    ("zksync era", "zksync"),
    ("matic", "polygon"),
    ("avax", "avalanche"),
];

impl ChainId {
    /// The chain of a market whose source names none.
    pub const UNKNOWN: ChainId = ChainId(0);

    /// Returns the chain a source calls `name`, in any case, or by its number; else `None`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<ChainId> {
        let lower = name.trim().to_lowercase();
        let canonical =
            CHAIN_ALIASES.iter().find(|(alias, _)| *alias == lower).map_or(lower.as_str(), |a| a.1);
        let known = CHAINS.iter().find(|(known, _)| *known == canonical).map(|(_, id)| *id);
        known.or_else(|| canonical.parse().ok().filter(|id| *id > 0)).map(ChainId)
    }

    /// Returns every name that [`ChainId::by_name`] knows as canonical.
    pub fn names() -> impl Iterator<Item = &'static str> {
        CHAINS.iter().map(|(name, _)| *name)
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match CHAINS.iter().find(|(_, id)| *id == self.0) {
            Some((name, _)) => f.write_str(name),
            None if self.0 == 0 => f.write_str("unknown chain"),
            None => write!(f, "chain {}", self.0),
        }
    }
}

/// One place money can sit: `protocol:chainId:address[:detail]`.
///
/// Cheap to clone. Ordered as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MarketId(Arc<str>);

/// Why a text is no market id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarketIdError {
    /// Too few parts.
    #[error("market id {found:?} has not the form protocol:chainId:address[:detail]")]
    Form {
        /// The text.
        found: String,
    },
    /// The second part is no number.
    #[error("market id {found:?}: chain id {part:?} is not a whole number")]
    Chain {
        /// The text.
        found: String,
        /// Its second part.
        part: String,
    },
}

impl MarketId {
    /// Builds the id of `address` (any case) of `protocol` on `chain`.
    #[must_use]
    pub fn new(protocol: &str, chain: ChainId, address: &str) -> MarketId {
        let text = format!(
            "{}:{}:{}",
            protocol.trim().to_lowercase(),
            chain.0,
            address.trim().to_lowercase()
        );
        MarketId(text.into())
    }

    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The protocol part.
    #[must_use]
    pub fn protocol(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }

    /// The chain part.
    #[must_use]
    pub fn chain(&self) -> ChainId {
        let part = self.0.split(':').nth(1).unwrap_or_default();
        ChainId(part.parse().unwrap_or_default())
    }

    /// The address part.
    #[must_use]
    pub fn address(&self) -> &str {
        self.0.split(':').nth(2).unwrap_or_default()
    }
}

impl FromStr for MarketId {
    type Err = MarketIdError;

    fn from_str(text: &str) -> Result<MarketId, MarketIdError> {
        let mut parts = text.splitn(4, ':');
        let (protocol, chain, address) = (parts.next(), parts.next(), parts.next());
        let (Some(protocol), Some(chain), Some(address)) = (protocol, chain, address) else {
            return Err(MarketIdError::Form { found: text.to_owned() });
        };
        if protocol.is_empty() || address.is_empty() {
            return Err(MarketIdError::Form { found: text.to_owned() });
        }
        if chain.parse::<u64>().is_err() {
            return Err(MarketIdError::Chain { found: text.to_owned(), part: chain.to_owned() });
        }
        Ok(MarketId(text.to_lowercase().into()))
    }
}

impl TryFrom<String> for MarketId {
    type Error = MarketIdError;

    fn try_from(text: String) -> Result<MarketId, MarketIdError> {
        text.parse()
    }
}

impl From<MarketId> for String {
    fn from(id: MarketId) -> String {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for MarketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_market_id_takes_apart_and_ignores_the_case_of_an_address() {
        let id = MarketId::new("Aave-V3", ChainId(1), "0xDAC17F958D2ee523a2206206994597C13D831ec7");
        assert_eq!(id.as_str(), "aave-v3:1:0xdac17f958d2ee523a2206206994597c13d831ec7");
        assert_eq!(id.protocol(), "aave-v3");
        assert_eq!(id.chain(), ChainId(1));
        assert_eq!(id.address(), "0xdac17f958d2ee523a2206206994597c13d831ec7");
        assert_eq!(id.as_str().parse::<MarketId>().unwrap(), id);
    }

    #[test]
    fn a_detail_may_hold_colons() {
        let id: MarketId = "uniswap-v3:1:0xabc:-10:10".parse().unwrap();
        assert_eq!(id.address(), "0xabc");
        let shouted: MarketId = "UNISWAP-V3:1:0xABC".parse().unwrap();
        assert_eq!(shouted.as_str(), "uniswap-v3:1:0xabc", "the case of an address says nothing");
    }

    #[test]
    fn a_malformed_id_says_what_is_wrong() {
        assert_eq!(
            "USDC".parse::<MarketId>().unwrap_err().to_string(),
            "market id \"USDC\" has not the form protocol:chainId:address[:detail]"
        );
        assert_eq!(
            "aave-v3:ethereum:0x1".parse::<MarketId>().unwrap_err().to_string(),
            "market id \"aave-v3:ethereum:0x1\": chain id \"ethereum\" is not a whole number"
        );
    }

    #[test]
    fn chains_are_known_by_any_spelling() {
        assert_eq!(ChainId::by_name("BSC"), Some(ChainId(56)));
        assert_eq!(ChainId::by_name("Ethereum"), Some(ChainId(1)));
        assert_eq!(ChainId::by_name("nowhere"), None);
        assert_eq!(ChainId::by_name("Arbitrum One"), Some(ChainId(42_161)));
        assert_eq!(ChainId::by_name("10"), Some(ChainId(10)));
        assert_eq!(ChainId(8453).to_string(), "base");
    }
}
