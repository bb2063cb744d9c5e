//! What a market's asset is worth a unit of: the denomination of a vault.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The unit in which a vault measures everything it holds.
///
/// Assets of one denomination are redeemable one for one with each other or with the unit itself,
/// and a replay exchanges them at par. An asset that grows against the unit (wstETH, sDAI, a
/// principal token) or floats is a denomination of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Denomination {
    /// US dollar.
    Usd,
    /// Euro.
    Eur,
    /// Ether.
    Eth,
    /// Bitcoin.
    Btc,
    /// An asset that is at par with nothing else, by the symbol it had first.
    Own(String),
}

/// Symbols at par, by unit. A symbol is read once, on the first row of a market, and the market
/// keeps its denomination when it is renamed.
///
/// # Source
/// The issuers' redemption terms; a depeg is not in this table, it is a risk.
const AT_PAR: &[(&str, &[&str])] = &[
    (
        "USD",
        &[
            "USDC", "USDC.E", "USDBC", "USDT", "USDT0", "USD₮", "USD₮0", "USDT.E", "M.USDT", "DAI",
            "DAI.E", "M.DAI", "WXDAI", "XDAI", "GHO", "LUSD", "FRAX", "MAI", "MIMATIC", "SUSD",
            "CRVUSD", "PYUSD", "RLUSD", "USDE", "USDS", "USDTB", "USDG", "FDUSD", "TUSD", "BUSD",
            "USDP", "GUSD", "CUSD", "USDM", "MUSD", "AUSD", "USDA", "USD0",
        ],
    ),
    ("EUR", &["EURC", "EURS", "EURE", "EURA", "AGEUR", "JEUR", "CEUR", "EURM"]),
    ("ETH", &["ETH", "WETH", "WETH.E"]),
    ("BTC", &["BTC", "WBTC", "WBTC.E", "BTC.B", "BTCB", "CBBTC", "TBTC", "LBTC", "FBTC", "EBTC"]),
];

/// Who can make an asset worthless, by symbol.
///
/// # Source
/// The issuers' own pages; a bridged token rests on its issuer too, and on a bridge: see [`wraps`].
const ISSUERS: &[(&str, &[&str])] = &[
    ("circle", &["USDC", "USDC.E", "USDBC", "EURC"]),
    ("tether", &["USDT", "USDT0", "USD₮", "USD₮0", "USDT.E", "M.USDT"]),
    ("sky", &["DAI", "DAI.E", "M.DAI", "WXDAI", "XDAI", "USDS", "SDAI", "SUSDS"]),
    ("aave", &["GHO"]),
    ("liquity", &["LUSD", "BOLD"]),
    ("frax", &["FRAX", "FRXUSD"]),
    ("ethena", &["USDE", "SUSDE", "USDTB"]),
    ("paxos", &["PYUSD", "USDG", "BUSD", "USDP"]),
    ("ripple", &["RLUSD"]),
    ("curve", &["CRVUSD"]),
    ("first digital", &["FDUSD"]),
    ("techteryx", &["TUSD"]),
    ("qidao", &["MAI", "MIMATIC"]),
    ("synthetix", &["SUSD"]),
    ("mento", &["CUSD", "USDM", "CEUR", "EURM"]),
    ("angle", &["USDA", "EURA", "AGEUR"]),
    ("monerium", &["EURE"]),
    ("ethereum", &["ETH", "WETH", "WETH.E"]),
    ("bitgo", &["WBTC", "WBTC.E"]),
    ("coinbase", &["CBBTC", "CBETH"]),
    ("lido", &["STETH", "WSTETH"]),
];

/// Symbols that came over a bridge which their issuer does not run.
const BRIDGED: &[&str] =
    &["USDC.E", "USDBC", "USDT.E", "M.USDT", "DAI.E", "M.DAI", "WETH.E", "WBTC.E", "BTC.B", "BTCB"];

/// Returns who issues the asset called `symbol`, or `None` where the table does not say.
#[must_use]
pub fn issuer(symbol: &str) -> Option<&'static str> {
    let upper = symbol.trim().to_uppercase();
    let known = ISSUERS.iter().find(|(_, symbols)| symbols.contains(&upper.as_str()));
    known.map(|(issuer, _)| *issuer)
}

/// Returns how many wrappers lie between a lending position and the asset called `symbol`: the position's
/// own share, and a bridge; `None` where the issuer is unknown.
#[must_use]
pub fn wraps(symbol: &str) -> Option<u8> {
    issuer(symbol)?;
    let upper = symbol.trim().to_uppercase();
    let is_staked =
        ["SDAI", "SUSDS", "SUSDE", "CBETH", "STETH", "WSTETH"].contains(&upper.as_str());
    Some(1 + u8::from(BRIDGED.contains(&upper.as_str())) + u8::from(is_staked))
}

impl Denomination {
    /// Returns the denomination of an asset called `symbol`.
    #[must_use]
    pub fn of_symbol(symbol: &str) -> Denomination {
        let upper = symbol.trim().to_uppercase();
        match AT_PAR.iter().find(|(_, symbols)| symbols.contains(&upper.as_str())) {
            Some((unit, _)) => Denomination::from((*unit).to_owned()),
            None => Denomination::Own(symbol.trim().to_owned()),
        }
    }
}

impl From<String> for Denomination {
    fn from(text: String) -> Denomination {
        match text.as_str() {
            "USD" => Denomination::Usd,
            "EUR" => Denomination::Eur,
            "ETH" => Denomination::Eth,
            "BTC" => Denomination::Btc,
            _ => Denomination::Own(text),
        }
    }
}

impl From<Denomination> for String {
    fn from(denomination: Denomination) -> String {
        denomination.to_string()
    }
}

impl fmt::Display for Denomination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Denomination::Usd => "USD",
            Denomination::Eur => "EUR",
            Denomination::Eth => "ETH",
            Denomination::Btc => "BTC",
            Denomination::Own(symbol) => symbol,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridged_token_rests_on_its_issuer_and_on_one_wrapper_more() {
        assert_eq!((issuer("USDC"), wraps("USDC")), (Some("circle"), Some(1)));
        assert_eq!((issuer("usdc.e"), wraps("USDC.e")), (Some("circle"), Some(2)));
        assert_eq!((issuer("PT-USDe-5FEB2026"), wraps("PT-USDe-5FEB2026")), (None, None));
    }

    #[test]
    fn bridged_dollars_are_dollars_and_growing_tokens_are_not() {
        for dollar in ["USDC", "USDC.e", "USDbC", "USDt", "USD₮", "m.DAI", "GHO"] {
            assert_eq!(Denomination::of_symbol(dollar), Denomination::Usd, "{dollar}");
        }
        for own in ["sDAI", "sUSDe", "wstETH", "weETH", "PT-USDe-5FEB2026", "AAVE"] {
            assert_eq!(Denomination::of_symbol(own), Denomination::Own(own.to_owned()), "{own}");
        }
        assert_eq!(Denomination::of_symbol("WETH"), Denomination::Eth);
    }
}
