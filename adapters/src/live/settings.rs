//! Which protocols are read: parsed once, refused where it cannot be meant.

use super::{
    AaveV3, AaveV3Settings, BalancerStable, BalancerStableSettings, CompoundV3, CompoundV3Settings,
    Erc4626, Erc4626Settings, MorphoBlue, MorphoBlueSettings, StableMarket, StakedEth,
    StakedEthSettings, UniswapV2, UniswapV2Settings, UniswapV3, UniswapV3Settings, V2Market,
    V3Market,
};
use alloy::primitives::Address;
use plimsoll_core::MarketId;
use plimsoll_execute::AdapterError;
use plimsoll_execute::protocol::Protocol;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The settings of one protocol: a table with `protocol = "aave_v3"`, `"morpho_blue"`, `"erc4626"`,
/// `"uniswap_v3"`, `"uniswap_v2"`, `"balancer_stable"`, `"staked_eth"` or `"compound_v3"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "protocol", rename_all = "snake_case")]
pub enum ProtocolSettings {
    /// A pool of Aave V3.
    AaveV3(AaveV3Settings),
    /// Markets of Morpho Blue.
    MorphoBlue(MorphoBlueSettings),
    /// ERC-4626 vaults.
    Erc4626(Erc4626Settings),
    /// Ranges of Uniswap V3 pools.
    UniswapV3(UniswapV3Settings),
    /// Pairs of Uniswap V2.
    UniswapV2(UniswapV2Settings),
    /// Stable pools of Balancer.
    BalancerStable(BalancerStableSettings),
    /// Staked ETH.
    StakedEth(StakedEthSettings),
    /// Markets of Compound III.
    CompoundV3(CompoundV3Settings),
}

impl ProtocolSettings {
    /// The vault's market contracts, in the order of the markets.
    #[must_use]
    pub fn contracts(&self) -> Vec<Option<Address>> {
        match self {
            ProtocolSettings::AaveV3(all) => all.markets.iter().map(|each| each.contract).collect(),
            ProtocolSettings::MorphoBlue(all) => {
                all.markets.iter().map(|each| each.contract).collect()
            }
            ProtocolSettings::Erc4626(all) => {
                all.markets.iter().map(|each| each.contract).collect()
            }
            ProtocolSettings::UniswapV3(all) => {
                all.markets.iter().map(|each| each.contract).collect()
            }
            ProtocolSettings::UniswapV2(all) => {
                all.markets.iter().map(|each| each.contract).collect()
            }
            ProtocolSettings::BalancerStable(all) => {
                all.markets.iter().map(|each| each.contract).collect()
            }
            ProtocolSettings::StakedEth(all) => {
                all.markets.iter().map(|each| each.contract).collect()
            }
            // There is none for it.
            ProtocolSettings::CompoundV3(all) => all.markets.iter().map(|_| None).collect(),
        }
    }

    /// Forgets the vault's market contracts: nothing is held then.
    pub fn forget_contracts(&mut self) {
        match self {
            ProtocolSettings::AaveV3(all) => {
                all.markets.iter_mut().for_each(|each| each.contract = None);
            }
            ProtocolSettings::MorphoBlue(all) => {
                all.markets.iter_mut().for_each(|each| each.contract = None);
            }
            ProtocolSettings::Erc4626(all) => {
                all.markets.iter_mut().for_each(|each| each.contract = None);
            }
            ProtocolSettings::UniswapV3(all) => {
                all.markets.iter_mut().for_each(V3Market::forget_contract);
            }
            ProtocolSettings::UniswapV2(all) => {
                all.markets.iter_mut().for_each(V2Market::forget_contract);
            }
            ProtocolSettings::BalancerStable(all) => {
                all.markets.iter_mut().for_each(StableMarket::forget_contract);
            }
            ProtocolSettings::StakedEth(all) => {
                all.markets.iter_mut().for_each(|each| each.contract = None);
            }
            ProtocolSettings::CompoundV3(all) => {
                all.markets.iter_mut().for_each(|each| each.holder = None);
            }
        }
    }

    /// Keeps the markets that are `wanted`, in their order.
    pub fn retain(&mut self, wanted: impl FnMut(&MarketId) -> bool) {
        let markets = protocol(self).markets();
        let mut keep = markets.iter().map(wanted);
        let mut next = move || keep.next().unwrap_or_default();
        match self {
            ProtocolSettings::AaveV3(all) => all.markets.retain(|_| next()),
            ProtocolSettings::MorphoBlue(all) => all.markets.retain(|_| next()),
            ProtocolSettings::Erc4626(all) => all.markets.retain(|_| next()),
            ProtocolSettings::UniswapV3(all) => all.markets.retain(|_| next()),
            ProtocolSettings::UniswapV2(all) => all.markets.retain(|_| next()),
            ProtocolSettings::BalancerStable(all) => all.markets.retain(|_| next()),
            ProtocolSettings::StakedEth(all) => all.markets.retain(|_| next()),
            ProtocolSettings::CompoundV3(all) => all.markets.retain(|_| next()),
        }
    }
}

/// Returns the configured adapters, in their order.
///
/// # Errors
/// [`AdapterError::Settings`] for a market that is named twice, a name that is none, or no market at all.
pub fn from_settings(
    settings: &[ProtocolSettings],
) -> Result<Vec<Box<dyn Protocol>>, AdapterError> {
    let protocols: Vec<Box<dyn Protocol>> = settings.iter().map(protocol).collect();
    let mut seen: BTreeSet<MarketId> = BTreeSet::new();
    for protocol in &protocols {
        let refuse = |detail: &str| {
            let (about, detail) = (protocol.name().to_owned(), detail.to_owned());
            Err(AdapterError::Settings { about, detail })
        };
        if protocol.name().is_empty() || protocol.name().contains(':') {
            return refuse("a protocol's name must not be empty or hold a colon");
        }
        if protocol.markets().is_empty() {
            return refuse("it has no market; name one under `markets`, or leave it out");
        }
        for market in protocol.markets() {
            if !seen.insert(market.clone()) {
                return refuse(&format!("{market} is named twice; name it once"));
            }
        }
    }
    Ok(protocols)
}

fn protocol(settings: &ProtocolSettings) -> Box<dyn Protocol> {
    match settings.clone() {
        ProtocolSettings::AaveV3(settings) => Box::new(AaveV3::new(settings)),
        ProtocolSettings::MorphoBlue(settings) => Box::new(MorphoBlue::new(settings)),
        ProtocolSettings::Erc4626(settings) => Box::new(Erc4626::new(settings)),
        ProtocolSettings::UniswapV3(settings) => Box::new(UniswapV3::new(settings)),
        ProtocolSettings::UniswapV2(settings) => Box::new(UniswapV2::new(settings)),
        ProtocolSettings::BalancerStable(settings) => Box::new(BalancerStable::new(settings)),
        ProtocolSettings::StakedEth(settings) => Box::new(StakedEth::new(settings)),
        ProtocolSettings::CompoundV3(settings) => Box::new(CompoundV3::new(settings)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<ProtocolSettings, serde_json::Error> {
        serde_json::from_str(text)
    }

    const POOL: &str = r#"{"protocol":"aave_v3","chain":1,"pool":"0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2",
        "markets":[{"asset":"0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"}]}"#;

    #[test]
    fn a_market_is_named_as_recorded_history_names_it() {
        let adapters = from_settings(&[parsed(POOL).unwrap()]).unwrap();
        let ids: Vec<String> = adapters[0].markets().iter().map(ToString::to_string).collect();
        assert_eq!(ids, ["aave-v3:1:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"]);
    }

    #[test]
    fn morpho_and_vaults_are_named_by_contract_and_id() {
        let id = "0xb323495f7e4148be5643a4ea4a8221eef163e4bccfdedc2a6f4696baacbc86cc";
        let blue = format!(
            r#"{{"protocol":"morpho_blue","chain":1,"morpho":"0xbbbbbbbbbb9cc5e90e3b3af64bdaf62c37eeffcb","markets":[{{"id":"{id}"}}]}}"#
        );
        let vault = r#"{"protocol":"erc4626","chain":8453,"markets":[{"vault":"0xbeeF010f9cb27031ad51e3333f9aF9C6B1228183"}]}"#;
        let adapters = from_settings(&[parsed(&blue).unwrap(), parsed(vault).unwrap()]).unwrap();
        let expected = format!("morpho-blue:1:0xbbbbbbbbbb9cc5e90e3b3af64bdaf62c37eeffcb:{id}");
        assert_eq!(adapters[0].markets()[0].as_str(), expected);
        let expected = "erc4626:8453:0xbeef010f9cb27031ad51e3333f9af9c6b1228183";
        assert_eq!(adapters[1].markets()[0].as_str(), expected);
    }

    #[test]
    fn what_is_inside_a_vault_is_a_market_of_morpho_or_a_pool_of_aave() {
        let inside = |inner: &str| {
            parsed(&format!(
                r#"{{"protocol":"erc4626","chain":1,"markets":[{{"vault":"0xbeeF010f9cb27031ad51e3333f9aF9C6B1228183","inner":{inner}}}]}}"#
            ))
        };
        let pool = r#"{"aave_pool":"0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2"}"#;
        let ProtocolSettings::Erc4626(settings) = inside(pool).unwrap() else { panic!("a vault") };
        assert!(matches!(settings.markets[0].inner, Some(crate::live::erc4626::Inner::Aave(_))));
        let back = serde_json::to_string(&settings.markets[0].inner).unwrap();
        assert_eq!(back, pool);
        assert!(
            inside(r#"{"aave_pool":"0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2","id":"0x00"}"#)
                .is_err()
        );
        assert!(inside(r#"{"pool":"0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2"}"#).is_err());
    }

    #[test]
    fn two_contracts_in_one_pool_are_two_markets() {
        let of = |byte: u8| Address::repeat_byte(byte);
        let (pool, asset) = (of(0x11), of(0x22));
        for (protocol, place, more) in [
            ("uniswap_v2", "pair", format!(r#""oracle":"{pool}","#)),
            ("balancer_stable", "pool", String::new()),
        ] {
            let market = |contract: Address| {
                format!(r#"{{"{place}":"{pool}","asset":"{asset}",{more}"contract":"{contract}"}}"#)
            };
            let (one, other) = (market(of(1)), market(of(2)));
            let text =
                format!(r#"{{"protocol":"{protocol}","chain":1,"markets":[{one},{other}]}}"#);
            let mut settings = parsed(&text).unwrap();
            let names = from_settings(&[settings.clone()]).unwrap()[0].markets();
            let expected = [of(1), of(2)].map(|each| {
                format!("{}:1:{pool}:{each}", protocol.replace('_', "-")).to_lowercase()
            });
            assert_eq!(names.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
            assert_eq!(settings.contracts(), [Some(of(1)), Some(of(2))]);
            settings.forget_contracts();
            assert_eq!(settings.contracts(), [None, None]);
            assert_eq!(from_settings(&[settings.clone()]).unwrap()[0].markets(), names);
            settings.retain(|market| *market == names[1]);
            assert_eq!(from_settings(&[settings]).unwrap()[0].markets(), names[1..]);
        }
    }

    #[test]
    fn staked_eth_and_comets_are_named_by_their_contract() {
        let staked = r#"{"protocol":"staked_eth","chain":1,"markets":[{"wst_eth":"0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0",
            "queue":"0x889edC2eDab5f40e902b864aD4d7AdE8E412F9B1","asset":"0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",
            "oracle":"0x00000000000000000000000000000000000000aa"}]}"#;
        let comet = r#"{"protocol":"compound_v3","chain":1,"markets":[{"comet":"0xc3d688B66703497DAA19211EEdff47f25384cdc3",
            "asset":"0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"}]}"#;
        let settings = [parsed(staked).unwrap(), parsed(comet).unwrap()];
        let adapters = from_settings(&settings).unwrap();
        let ids: Vec<_> = adapters.iter().map(|adapter| adapter.markets()[0].to_string()).collect();
        let expected = [
            "staked-eth:1:0x7f39c581f595b53c5cb19bd0b3f8da6c935e2ca0",
            "compound-v3:1:0xc3d688b66703497daa19211eedff47f25384cdc3",
        ];
        assert_eq!(ids, expected);
        let ProtocolSettings::StakedEth(staked) = &settings[0] else { panic!("staked") };
        assert_eq!((staked.markets[0].expected_days, staked.markets[0].bunker_days), (4, 37));
        assert_eq!(settings[1].contracts(), [None], "the vault has none for it");
    }

    #[test]
    fn settings_that_cannot_be_meant_are_refused() {
        let unknown = parsed(&POOL.replace("\"pool\"", "\"pol\"")).unwrap_err().to_string();
        assert!(unknown.contains("pol"), "{unknown}");
        let pool = parsed(POOL).unwrap();
        let twice = from_settings(&[pool.clone(), pool]).unwrap_err().to_string();
        assert!(twice.contains("is named twice"), "{twice}");
        let empty = r#"{"protocol":"erc4626","chain":1,"markets":[]}"#;
        let none = from_settings(&[parsed(empty).unwrap()]).unwrap_err().to_string();
        assert!(none.contains("it has no market"), "{none}");
    }
}
