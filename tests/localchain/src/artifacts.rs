//! Finds compiled contracts and links their libraries.
//!
//! Two formats are read: hardhat's (a string of bytecode, link references beside it) and forge's
//! (both inside an object). Nothing is compiled here: `contracts/tools/prepare` does.

use crate::LocalChainError;
use alloy::primitives::{Address, Bytes, hex};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a contract comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Aave V3, the v3.0 line, as its package carries it, bytecode and all.
    Aave,
    /// Aave V3.2 as its package carries it.
    AaveV3_2,
    /// Morpho Blue, compiled from its package.
    Morpho,
    /// Uniswap V3 and V2, their stakers, Balancer V2 and WETH9 as their packages carry them.
    Exchange,
    /// Our stand-ins in `contracts/local`.
    StandIn,
    /// Plimsoll's own contracts in `contracts/src`.
    Plimsoll,
}

/// Where the packages of exchanges keep each contract: no two of them in the same way.
const EXCHANGES: [(&str, &str); 17] = [
    ("WETH9", "canonical-weth/build/contracts"),
    ("UniswapV3Factory", "@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol"),
    ("NFTDescriptor", "@uniswap/v3-periphery/artifacts/contracts/libraries/NFTDescriptor.sol"),
    (
        "NonfungibleTokenPositionDescriptor",
        "@uniswap/v3-periphery/artifacts/contracts/NonfungibleTokenPositionDescriptor.sol",
    ),
    (
        "NonfungiblePositionManager",
        "@uniswap/v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol",
    ),
    ("SwapRouter", "@uniswap/v3-periphery/artifacts/contracts/SwapRouter.sol"),
    ("QuoterV2", "@uniswap/v3-periphery/artifacts/contracts/lens/QuoterV2.sol"),
    ("TickLens", "@uniswap/v3-periphery/artifacts/contracts/lens/TickLens.sol"),
    ("UniswapV3Staker", "@uniswap/v3-staker/artifacts/contracts/UniswapV3Staker.sol"),
    ("UniswapV2Factory", "@uniswap/v2-core/build"),
    ("UniswapV2Router02", "@uniswap/v2-periphery/build"),
    ("StakingRewards", "@uniswap/liquidity-staker/build"),
    ("Authorizer", "@balancer-labs/v2-deployments/dist/tasks/20210418-authorizer/artifact"),
    ("Vault", "@balancer-labs/v2-deployments/dist/tasks/20210418-vault/artifact"),
    (
        "ProtocolFeePercentagesProvider",
        "@balancer-labs/v2-deployments/dist/tasks/20220725-protocol-fee-percentages-provider/artifact",
    ),
    (
        "ComposableStablePoolFactory",
        "@balancer-labs/v2-deployments/dist/tasks/20230206-composable-stable-pool-v3/artifact",
    ),
    (
        "BalancerQueries",
        "@balancer-labs/v2-deployments/dist/tasks/20220721-balancer-queries/artifact",
    ),
];

/// The compiled contracts under a folder.
#[derive(Debug, Clone)]
pub struct Artifacts {
    folder: PathBuf,
    aave: BTreeMap<String, PathBuf>,
}

/// One compiled contract.
#[derive(Debug, Clone)]
pub struct Artifact {
    name: String,
    code: String,
    links: Links,
}

/// Per source file and library, the places in the bytecode that take its address.
type Links = BTreeMap<String, BTreeMap<String, Vec<Place>>>;

#[derive(Debug, Clone, Copy, Deserialize)]
struct Place {
    start: usize,
    length: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    bytecode: Bytecode,
    #[serde(default)]
    link_references: Links,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Bytecode {
    Hardhat(String),
    #[serde(rename_all = "camelCase")]
    Forge {
        object: String,
        #[serde(default)]
        link_references: Links,
    },
}

impl Artifacts {
    /// Finds the contracts in the folder that `PLIMSOLL_CONTRACTS` names, else in the workspace's.
    ///
    /// # Errors
    /// [`LocalChainError::NotPrepared`] naming the first thing that is missing.
    pub fn find() -> Result<Artifacts, LocalChainError> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts");
        let folder = std::env::var_os("PLIMSOLL_CONTRACTS").map_or(workspace, PathBuf::from);
        Artifacts::in_folder(&folder)
    }

    /// Finds the contracts in `folder`, the repository's `contracts`.
    ///
    /// # Errors
    /// [`LocalChainError::NotPrepared`] naming the first thing that is missing.
    pub fn in_folder(folder: &Path) -> Result<Artifacts, LocalChainError> {
        let compiled = folder.join("node_modules/@aave/core-v3/artifacts/contracts");
        let mut aave = BTreeMap::new();
        index(&compiled, &mut aave)?;
        let artifacts = Artifacts { folder: folder.to_path_buf(), aave };
        for path in [
            artifacts.anvil(),
            artifacts.path(Origin::AaveV3_2, "PoolInstance")?,
            artifacts.path(Origin::Morpho, "Morpho")?,
            artifacts.path(Origin::StandIn, "Token")?,
        ] {
            if !path.is_file() {
                return Err(LocalChainError::NotPrepared { path });
            }
        }
        Ok(artifacts)
    }

    /// Returns the folder: the repository's `contracts`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns where anvil's binary is.
    #[must_use]
    pub fn anvil(&self) -> PathBuf {
        self.folder.join("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil")
    }

    /// Reads one contract.
    ///
    /// # Errors
    /// [`LocalChainError::NotPrepared`] when it is not there, [`LocalChainError::Unreadable`] when
    /// it is in neither format.
    pub fn read(&self, origin: Origin, name: &str) -> Result<Artifact, LocalChainError> {
        let path = self.path(origin, name)?;
        let file: File = serde_json::from_str(&text(&path)?).map_err(|error| {
            let found = error.to_string();
            LocalChainError::Unreadable { path, expected: "an artifact", found }
        })?;
        let (code, links) = match file.bytecode {
            Bytecode::Hardhat(code) => (code, file.link_references),
            Bytecode::Forge { object, link_references } => (object, link_references),
        };
        let code = code.strip_prefix("0x").unwrap_or(&code).to_owned();
        Ok(Artifact { name: name.to_owned(), code, links })
    }

    /// Reads the code that creates the canonical Multicall3, a constant of the package viem.
    ///
    /// # Errors
    /// As [`Artifacts::read`].
    pub fn multicall3(&self) -> Result<Bytes, LocalChainError> {
        let path = self.folder.join("node_modules/viem/constants/contracts.ts");
        let text = text(&path)?;
        let code = text
            .split_once("multicall3Bytecode")
            .and_then(|(_, rest)| rest.split('\'').nth(1))
            .and_then(|word| hex::decode(word).ok());
        code.map(Bytes::from).ok_or_else(|| LocalChainError::Unreadable {
            path,
            expected: "constants",
            found: "no multicall3Bytecode".to_owned(),
        })
    }

    fn path(&self, origin: Origin, name: &str) -> Result<PathBuf, LocalChainError> {
        let built = |out: &str| self.folder.join(out).join(format!("{name}.sol/{name}.json"));
        Ok(match origin {
            Origin::Aave => self.aave.get(name).cloned().ok_or_else(|| {
                let path = self.folder.join("node_modules/@aave/core-v3").join(name);
                LocalChainError::NotPrepared { path }
            })?,
            Origin::AaveV3_2 => {
                self.folder.join("local/out/aave-v3.2").join(format!("{name}.json"))
            }
            Origin::Exchange => {
                let packages = self.folder.join("node_modules");
                let known = EXCHANGES.iter().find(|(known, _)| *known == name);
                packages.join(known.map_or_else(
                    || name.to_owned(),
                    |(name, folder)| format!("{folder}/{name}.json"),
                ))
            }
            Origin::Morpho => built("local/out/morpho"),
            Origin::StandIn => built("local/out/stand-ins"),
            Origin::Plimsoll => built("out"),
        })
    }
}

impl Artifact {
    /// Returns the code that creates the contract, with `libraries` at their places and the encoded
    /// `arguments` of its constructor behind it.
    ///
    /// # Errors
    /// [`LocalChainError::Unlinked`] for a library that is not among `libraries`.
    pub fn creation(
        &self,
        libraries: &BTreeMap<String, Address>,
        arguments: &[u8],
    ) -> Result<Bytes, LocalChainError> {
        let mut code = self.code.clone();
        for (library, places) in self.links.values().flatten() {
            let address = libraries.get(library).ok_or_else(|| LocalChainError::Unlinked {
                contract: self.name.clone(),
                library: library.clone(),
            })?;
            let digits = hex::encode(address);
            for place in places {
                let start = place.start.saturating_mul(2);
                let end = start.saturating_add(place.length.saturating_mul(2));
                if code.is_char_boundary(start) && code.is_char_boundary(end) {
                    code.replace_range(start..end, &digits);
                }
            }
        }
        // A placeholder that no reference named is no hexadecimal digit.
        let mut bytes = hex::decode(&code).map_err(|error| LocalChainError::Unreadable {
            path: PathBuf::from(&self.name),
            expected: "linked bytecode",
            found: error.to_string(),
        })?;
        bytes.extend_from_slice(arguments);
        Ok(bytes.into())
    }
}

fn text(path: &Path) -> Result<String, LocalChainError> {
    std::fs::read_to_string(path)
        .map_err(|_| LocalChainError::NotPrepared { path: path.to_path_buf() })
}

/// Collects the artifacts below `folder` by name, debug files left out.
fn index(folder: &Path, found: &mut BTreeMap<String, PathBuf>) -> Result<(), LocalChainError> {
    let missing = |_| LocalChainError::NotPrepared { path: folder.to_path_buf() };
    for entry in std::fs::read_dir(folder).map_err(missing)? {
        let path = entry.map_err(missing)?.path();
        if path.is_dir() {
            index(&path, found)?;
        } else if let Some(name) = path.file_name().and_then(|name| name.to_str())
            && let Some(name) = name.strip_suffix(".json")
            && !name.ends_with(".dbg")
        {
            found.insert(name.to_owned(), path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(text: &str) -> (String, Links) {
        let file: File = serde_json::from_str(text).unwrap();
        match file.bytecode {
            Bytecode::Hardhat(code) => (code, file.link_references),
            Bytecode::Forge { object, link_references } => (object, link_references),
        }
    }

    #[test]
    fn both_formats_link_to_the_same_code() {
        let blank = "0".repeat(40);
        let links = r#"{"A.sol":{"Lib":[{"start":1,"length":20}]}}"#;
        let hardhat =
            artifact(&format!(r#"{{"bytecode":"60{blank}00","linkReferences":{links}}}"#));
        let forge = artifact(&format!(
            r#"{{"bytecode":{{"object":"60{blank}00","linkReferences":{links}}}}}"#
        ));
        let libraries = BTreeMap::from([("Lib".to_owned(), Address::repeat_byte(0x11))]);
        for (code, links) in [hardhat, forge] {
            let contract = Artifact { name: "A".to_owned(), code, links };
            let linked = contract.creation(&libraries, &[7]).unwrap();
            assert_eq!(hex::encode(&linked), format!("60{}0007", "11".repeat(20)));
            let refused = contract.creation(&BTreeMap::new(), &[]);
            assert!(matches!(refused, Err(LocalChainError::Unlinked { .. })));
        }
    }

    #[test]
    fn a_folder_without_contracts_names_the_remedy() {
        let refused = Artifacts::in_folder(Path::new("/nowhere")).unwrap_err().to_string();
        assert!(refused.ends_with("run contracts/tools/prepare"), "{refused}");
    }
}
