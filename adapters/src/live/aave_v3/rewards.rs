//! What Aave's rewards controller pays to the holders of an aToken: read, valued, and not claimed.
//!
//! Rewards are an extra: where something of them cannot be read they are unknown, and the reserve stands.

use super::AaveV3;
use super::read::IScaled;
use crate::live::RwCache;
use crate::live::multicall::{Answers, Batch, Slot};
use alloy::primitives::{Address, U256};
use alloy::sol;
use plimsoll_core::units::Amount;
use plimsoll_execute::AdapterError;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::protocol::{At, Reward};

/// Rewards of one token beyond which they are not read: nobody pays so many, and the list is the controller's.
const MOST: usize = 16;

sol! {
    interface IRewardsController {
        function getRewardsByAsset(address asset) external view returns (address[] memory);
        function getRewardsData(address asset, address reward) external view
            returns (uint256 index, uint256 emissionPerSecond, uint256 lastUpdate, uint256 distributionEnd);
        function getAssetIndex(address asset, address reward) external view returns (uint256 before, uint256 now);
        function getRewardOracle(address reward) external view returns (address);
    }
    interface IRewardOracle {
        function latestAnswer() external view returns (int256);
        function decimals() external view returns (uint8);
    }
    interface IRewardToken {
        function decimals() external view returns (uint8);
    }
}

/// Who pays for an aToken, and in what: remembered, and compared with what the contracts say at every block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programme {
    controller: Address,
    tokens: Vec<Paid>,
}

/// A reward token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Paid {
    token: Address,
    decimals: u8,
    oracle: Address,
    oracle_decimals: u8,
}

/// What is remembered of each aToken; what could not be learned is asked for again.
pub(super) type Programmes = RwCache<Address, Programme>;

/// The questions about the rewards of one aToken.
pub(super) struct Asked {
    programme: Programme,
    controller: Slot<IScaled::getIncentivesControllerCall>,
    rest: Option<AskedRest>,
}

struct AskedRest {
    list: Slot<IRewardsController::getRewardsByAssetCall>,
    each: Vec<AskedReward>,
}

struct AskedReward {
    data: Slot<IRewardsController::getRewardsDataCall>,
    index: Slot<IRewardsController::getAssetIndexCall>,
    oracle: Slot<IRewardsController::getRewardOracleCall>,
    price: Slot<IRewardOracle::latestAnswerCall>,
}

/// What came of the questions.
pub(super) enum Found {
    /// These are paid.
    Rewards(Vec<Reward>),
    /// Another controller, list or oracle than remembered: to be learned.
    Changed,
    /// Something did not answer.
    Unknown,
}

/// Adds the questions about an aToken's rewards, as far as they are known.
pub(super) fn ask(batch: &mut Batch, a_token: Address, programme: Programme) -> Asked {
    let controller = batch.ask(a_token, &IScaled::getIncentivesControllerCall {});
    let of = programme.controller;
    let rest = (!of.is_zero()).then(|| AskedRest {
        list: batch.ask(of, &IRewardsController::getRewardsByAssetCall { asset: a_token }),
        each: programme
            .tokens
            .iter()
            .map(|paid| {
                let (asset, reward) = (a_token, paid.token);
                AskedReward {
                    data: batch.ask(of, &IRewardsController::getRewardsDataCall { asset, reward }),
                    index: batch.ask(of, &IRewardsController::getAssetIndexCall { asset, reward }),
                    oracle: batch.ask(of, &IRewardsController::getRewardOracleCall { reward }),
                    price: batch.ask(paid.oracle, &IRewardOracle::latestAnswerCall {}),
                }
            })
            .collect(),
    });
    Asked { programme, controller, rest }
}

/// Decodes what an aToken's rewards are.
pub(super) fn decode(answers: &Answers, asked: &Asked, about: &str) -> Found {
    match decoded(answers, asked, about) {
        Ok(Some(rewards)) => Found::Rewards(rewards),
        Ok(None) => Found::Changed,
        Err(_) => Found::Unknown,
    }
}

fn decoded(
    answers: &Answers,
    asked: &Asked,
    about: &str,
) -> Result<Option<Vec<Reward>>, AdapterError> {
    let Programme { controller, tokens } = &asked.programme;
    if answers.get(asked.controller, about)? != *controller {
        return Ok(None);
    }
    let Some(rest) = &asked.rest else { return Ok(Some(Vec::new())) };
    let list = answers.get(rest.list, about)?;
    if !list.iter().eq(tokens.iter().map(|paid| &paid.token)) {
        return Ok(None);
    }
    let mut rewards = Vec::with_capacity(tokens.len());
    for (paid, slots) in tokens.iter().zip(&rest.each) {
        if answers.get(slots.oracle, about)? != paid.oracle {
            return Ok(None);
        }
        let data = answers.get(slots.data, about)?;
        // A price that is none is unknown, and so is then what the reward is worth.
        let price = answers.get(slots.price, about).ok();
        let price = price.and_then(|answer| U256::try_from(answer).ok());
        let price = price.filter(|answer| !answer.is_zero());
        rewards.push(Reward {
            token: paid.token,
            decimals: paid.decimals,
            per_second: Amount(data.emissionPerSecond),
            index: answers.get(slots.index, about)?.now,
            end: u64::try_from(data.distributionEnd).unwrap_or(u64::MAX),
            price_usd: price.map(|answer| Amount(answer).to_f64(paid.oracle_decimals)),
            price_in_asset: None,
        });
    }
    Ok(Some(rewards))
}

/// Learns who pays for each of `a_tokens`, and in what, at one block.
pub(super) async fn learn(
    adapter: &AaveV3,
    nodes: &Nodes,
    at: &At,
    a_tokens: &[Address],
) -> Result<(), AdapterError> {
    let about = adapter.place().0;
    let mut batch = Batch::default();
    let named: Vec<_> = a_tokens
        .iter()
        .map(|a_token| (*a_token, batch.ask(*a_token, &IScaled::getIncentivesControllerCall {})))
        .collect();
    let answers = batch.send(nodes, at, adapter.place()).await?;
    let mut batch = Batch::default();
    let mut listed = Vec::new();
    for (asset, slot) in named {
        match answers.get(slot, about) {
            Ok(controller) if controller.is_zero() => {
                let none = Programme { controller, tokens: Vec::new() };
                adapter.programmes.set(asset, none);
            }
            Ok(controller) => {
                let call = IRewardsController::getRewardsByAssetCall { asset };
                listed.push((asset, controller, batch.ask(controller, &call)));
            }
            Err(_) => {}
        }
    }
    if listed.is_empty() {
        return Ok(());
    }
    let answers = batch.send(nodes, at, adapter.place()).await?;
    let mut batch = Batch::default();
    let mut oracles = Vec::new();
    for (asset, controller, slot) in listed {
        match answers.get(slot, about) {
            Ok(tokens) if tokens.len() <= MOST => {
                let each = tokens.iter().map(|reward| {
                    let call = IRewardsController::getRewardOracleCall { reward: *reward };
                    let decimals = batch.ask(*reward, &IRewardToken::decimalsCall {});
                    (*reward, decimals, batch.ask(controller, &call))
                });
                oracles.push((asset, controller, each.collect::<Vec<_>>()));
            }
            _ => {}
        }
    }
    let answers = batch.send(nodes, at, adapter.place()).await?;
    let mut batch = Batch::default();
    let mut last = Vec::new();
    for (asset, controller, each) in oracles {
        let each: Result<Vec<_>, AdapterError> = each
            .into_iter()
            .map(|(token, decimals, oracle)| {
                let oracle = answers.get(oracle, about)?;
                let asked = batch.ask(oracle, &IRewardOracle::decimalsCall {});
                Ok((token, answers.get(decimals, about)?, oracle, asked))
            })
            .collect();
        if let Ok(each) = each {
            last.push((asset, controller, each));
        }
    }
    let answers = batch.send(nodes, at, adapter.place()).await?;
    for (asset, controller, each) in last {
        let tokens: Result<Vec<Paid>, AdapterError> = each
            .into_iter()
            .map(|(token, decimals, oracle, asked)| {
                let oracle_decimals = answers.get(asked, about)?;
                Ok(Paid { token, decimals, oracle, oracle_decimals })
            })
            .collect();
        if let Ok(tokens) = tokens {
            adapter.programmes.set(asset, Programme { controller, tokens });
        }
    }
    Ok(())
}
