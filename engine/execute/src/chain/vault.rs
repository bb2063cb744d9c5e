//! The vault: what it says at one block, and the call by which a plan is carried out.

use super::multicall::{Answers, MULTICALL3, Multicall};
use super::nodes::{NodeError, Nodes};
use crate::protocol::At;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol;
use alloy::sol_types::{SolCall, SolValue};
use plimsoll_core::execution::{BlockRef, PlanId};
use plimsoll_core::{Amount, Shares};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

sol! {
    struct Leg {
        address market; uint8 kind; uint256 assets; uint256 minimum; uint256 maximum; bytes data;
    }
    function reallocate(bytes32 planId, uint64 validUntil, bytes32 expectedHash, Leg[] legs);
    function asset() returns (address);
    function decimals() returns (uint8);
    function value() returns (uint256 gross, uint256 low, uint256 high, uint256 supply, bool isSound);
    function idle() returns (uint256);
    function queueShares() returns (uint256);
    function convertToAssets(uint256 shares) returns (uint256);
    function markets() returns (address[]);
    function marketRules(address market)
        returns (uint128 absoluteCap, uint16 relativeCapBps, uint16 markBps, bool isListed);
    function owner() returns (address);
    function curator() returns (address);
    function allocator() returns (address);
    function guardian() returns (address);
    function entriesPaused() returns (bool);
    function planCount() returns (uint256);
    function preStateHash() returns (bytes32);
    function room() returns (uint256 turnover, uint256 dayLoss, uint256 monthLoss);
    function totalAssets() returns (uint256);
    function liquidity() returns (uint256);
}

/// One unit of the fractions in which the vault counts what may still be entered and lost.
pub const WAD: u64 = 1_000_000_000_000_000_000;

/// A vault at one block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultState {
    /// Where it was read.
    pub block: BlockRef,
    /// The block's timestamp, Unix seconds.
    pub timestamp: u64,
    /// The vault.
    pub address: Address,
    /// Its one asset.
    pub asset: Address,
    /// Decimals of the asset.
    pub decimals: u8,
    /// All that is there.
    pub gross: Amount,
    /// What leaving is priced at.
    pub low: Amount,
    /// What entering is priced at.
    pub high: Amount,
    /// Shares, those of pending fees included.
    pub supply: Shares,
    /// Whether every market can be read and none is marked.
    pub is_sound: bool,
    /// What a whole share pays now, raw units of the asset.
    pub share_price: Amount,
    /// Money in no market.
    pub idle: Amount,
    /// What of it the redeem queue is owed.
    pub queue_owed: Amount,
    /// The listed markets, in the order in which leaving draws on them.
    pub places: Vec<Place>,
    /// Whether the guardian has closed entering.
    pub is_paused: bool,
    /// Plans carried out so far.
    pub plan_count: u64,
    /// The hash of what roles can change.
    pub rules: B256,
    /// Who holds which role.
    pub roles: Roles,
    /// What may still be entered, lost today and lost this month, in parts of 1e18 of net assets.
    pub room: [U256; 3],
}

/// A listed market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The market contract.
    pub contract: Address,
    /// What the position is worth; `None` where it cannot be read.
    pub worth: Option<Amount>,
    /// What could be taken out now; `None` where it cannot be read.
    pub available: Option<Amount>,
    /// Most that it may be worth after an entry.
    pub absolute_cap: Amount,
    /// Most of net assets that it may be after an entry, basis points.
    pub relative_cap_bps: u16,
    /// What the guardian has written off, basis points.
    pub mark_bps: u16,
}

/// Who holds which role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roles {
    /// Changes roles, fee and bounds after a delay.
    pub owner: Address,
    /// Lists markets and raises caps after a delay.
    pub curator: Address,
    /// Moves money between idle and markets.
    pub allocator: Address,
    /// Pauses, marks, revokes.
    pub guardian: Address,
}

/// Why the vault could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The nodes.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// It does not answer as a vault of ours does.
    #[error(
        "{vault} does not answer `{function}` as a Plimsoll vault does at block {block}: is the address right, \
         is the chain right, and is Multicall3 at {MULTICALL3}?"
    )]
    NoVault {
        /// The address.
        vault: Address,
        /// What was asked.
        function: &'static str,
        /// Where.
        block: u64,
    },
}

/// Reads `vault` at one block.
///
/// # Errors
/// [`VaultError`].
pub async fn read(nodes: &Nodes, vault: Address, at: &At) -> Result<VaultState, VaultError> {
    let mut first = Multicall::default();
    first.add(vault, &marketsCall {});
    first.add(vault, &assetCall {});
    first.add(vault, &decimalsCall {});
    let answers = first.ask(nodes, at.block.hash).await?;
    let missing = |function| VaultError::NoVault { vault, function, block: at.block.number };
    let markets = answers.get::<marketsCall>(0).ok_or_else(|| missing("markets"))?;
    let asset = answers.get::<assetCall>(1).ok_or_else(|| missing("asset"))?;
    let share_decimals = answers.get::<decimalsCall>(2).ok_or_else(|| missing("decimals"))?;
    let mut all = Multicall::default();
    let whole = U256::from(10).saturating_pow(U256::from(share_decimals));
    all.add(vault, &valueCall {});
    all.add(vault, &idleCall {});
    all.add(vault, &queueSharesCall {});
    all.add(vault, &convertToAssetsCall { shares: whole });
    all.add(vault, &ownerCall {});
    all.add(vault, &curatorCall {});
    all.add(vault, &allocatorCall {});
    all.add(vault, &guardianCall {});
    all.add(vault, &entriesPausedCall {});
    all.add(vault, &planCountCall {});
    all.add(vault, &preStateHashCall {});
    all.add(vault, &roomCall {});
    all.add(asset, &decimalsCall {});
    for market in &markets {
        all.add(vault, &marketRulesCall { market: *market });
        all.add(*market, &totalAssetsCall {});
        all.add(*market, &liquidityCall {});
    }
    let answers = all.ask(nodes, at.block.hash).await?;
    state(&answers, (vault, asset, &markets), at, whole).map_err(missing)
}

/// The state that the answers tell, or the function that had none.
fn state(
    answers: &Answers,
    (vault, asset, markets): (Address, Address, &[Address]),
    at: &At,
    whole: U256,
) -> Result<VaultState, &'static str> {
    let value = answers.get::<valueCall>(0).ok_or("value")?;
    let queue_shares = answers.get::<queueSharesCall>(2).ok_or("queueShares")?;
    let share_price = answers.get::<convertToAssetsCall>(3).ok_or("convertToAssets")?;
    let room = answers.get::<roomCall>(11).ok_or("room")?;
    let owed = queue_shares.saturating_mul(share_price).checked_div(whole).unwrap_or_default();
    let place = |(number, contract): (usize, &Address)| -> Result<Place, &'static str> {
        let first = 13 + 3 * number;
        let rules = answers.get::<marketRulesCall>(first).ok_or("marketRules")?;
        Ok(Place {
            contract: *contract,
            worth: answers.get::<totalAssetsCall>(first + 1).map(Amount),
            available: answers.get::<liquidityCall>(first + 2).map(Amount),
            absolute_cap: Amount(U256::from(rules.absoluteCap)),
            relative_cap_bps: rules.relativeCapBps,
            mark_bps: rules.markBps,
        })
    };
    Ok(VaultState {
        block: at.block,
        timestamp: at.timestamp,
        address: vault,
        asset,
        decimals: answers.get::<decimalsCall>(12).ok_or("decimals of the asset")?,
        gross: Amount(value.gross),
        low: Amount(value.low),
        high: Amount(value.high),
        supply: Shares(value.supply),
        is_sound: value.isSound,
        share_price: Amount(share_price),
        idle: Amount(answers.get::<idleCall>(1).ok_or("idle")?),
        // Rounded up: what is owed is not planned with.
        queue_owed: Amount(owed.saturating_add(U256::from(u8::from(!queue_shares.is_zero())))),
        places: markets.iter().enumerate().map(place).collect::<Result<_, _>>()?,
        is_paused: answers.get::<entriesPausedCall>(8).ok_or("entriesPaused")?,
        plan_count: answers.get::<planCountCall>(9).ok_or("planCount")?.saturating_to(),
        rules: answers.get::<preStateHashCall>(10).ok_or("preStateHash")?,
        roles: Roles {
            owner: answers.get::<ownerCall>(4).ok_or("owner")?,
            curator: answers.get::<curatorCall>(5).ok_or("curator")?,
            allocator: answers.get::<allocatorCall>(6).ok_or("allocator")?,
            guardian: answers.get::<guardianCall>(7).ok_or("guardian")?,
        },
        room: [room.turnover, room.dayLoss, room.monthLoss],
    })
}

impl VaultState {
    /// Idle money that may be planned with: the redeem queue comes first.
    #[must_use]
    pub fn free_idle(&self) -> Amount {
        self.idle.saturating_sub(self.queue_owed)
    }

    /// The place of a market contract.
    #[must_use]
    pub fn place(&self, contract: Address) -> Option<&Place> {
        self.places.iter().find(|place| place.contract == contract)
    }

    /// Everything that is there: idle money, and what markets report.
    #[must_use]
    pub fn total(&self) -> Amount {
        let worths = self.places.iter().filter_map(|place| place.worth);
        worths.fold(self.idle, Amount::saturating_add)
    }
}

impl Roles {
    /// The roles other than the allocator's that `key` holds.
    #[must_use]
    pub fn beyond_allocator(&self, key: Address) -> Vec<&'static str> {
        let roles = [("owner", self.owner), ("curator", self.curator), ("guardian", self.guardian)];
        roles.into_iter().filter(|(_, holder)| *holder == key).map(|(name, _)| name).collect()
    }
}

/// What a leg of a plan does, in the order in which legs stand in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegKind {
    /// Market to idle.
    Exit,
    /// Takes in what the position earned or is owed; adds no exposure.
    Harvest,
    /// Changes the shape of the position.
    Arrange,
    /// Idle to market.
    Entry,
}

impl LegKind {
    /// As the contract counts them.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            LegKind::Exit => 0,
            LegKind::Harvest => 1,
            LegKind::Arrange => 2,
            LegKind::Entry => 3,
        }
    }

    /// Returns the kind that the contract counts as `code`; `None` where there is none.
    #[must_use]
    pub fn of(code: u8) -> Option<LegKind> {
        let all = [LegKind::Exit, LegKind::Harvest, LegKind::Arrange, LegKind::Entry];
        all.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether it only goes toward idle, so that no limit on entries holds it back.
    #[must_use]
    pub fn only_leaves(self) -> bool {
        self < LegKind::Arrange
    }
}

/// One leg of a plan with its guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The market contract.
    pub contract: Address,
    /// What it does.
    pub kind: LegKind,
    /// How much, raw units; `None` for all that can move. Of an arrangement, the worth of what is arranged.
    pub amount: Option<Amount>,
    /// The least that an exit brings, by which an entry raises the position, or that a harvest or an arrangement
    /// brings and leaves together.
    pub least: Amount,
    /// The most.
    pub most: Amount,
    /// Words for this market.
    pub data: Bytes,
}

/// Returns the name of a plan: what is moved, in which vault, from which state.
#[must_use]
pub fn plan_id(state: &VaultState, valid_until: u64, moves: &[Move]) -> PlanId {
    let place = (state.address, U256::from(state.plan_count), state.rules, state.block.hash);
    keccak256((place, U256::from(valid_until), legs(moves)).abi_encode())
}

/// Returns the call by which the vault carries out `moves` under the name `id`.
#[must_use]
pub fn reallocation(state: &VaultState, id: PlanId, valid_until: u64, moves: &[Move]) -> Bytes {
    // A plan of nothing but exits holds under any rules.
    let only_leaves = moves.iter().all(|each| each.kind.only_leaves());
    let rules = if only_leaves { B256::ZERO } else { state.rules };
    call((id, rules), valid_until, moves)
}

/// The call that carries out `moves` under a name and under rules.
pub(crate) fn call((id, rules): (PlanId, B256), valid_until: u64, moves: &[Move]) -> Bytes {
    let call = reallocateCall {
        planId: id,
        validUntil: valid_until,
        expectedHash: rules,
        legs: legs(moves),
    };
    call.abi_encode().into()
}

/// Whether a call of `reallocate` brings just these amounts into markets, each into one, what it arranges counted in;
/// false where `data` is no such call, or an entry takes all that there is.
#[must_use]
pub fn brings_in(data: &[u8], entries: impl Iterator<Item = Amount>) -> bool {
    let Ok(call) = reallocateCall::abi_decode(data) else { return false };
    let mut entered: BTreeMap<Address, Amount> = BTreeMap::new();
    let enters = |leg: &&Leg| LegKind::of(leg.kind).is_none_or(|kind| !kind.only_leaves());
    for leg in call.legs.iter().filter(enters) {
        let sum = entered.entry(leg.market).or_default();
        *sum = sum.saturating_add(Amount(leg.assets));
    }
    let sorted = |each: &mut dyn Iterator<Item = Amount>| {
        let mut amounts: Vec<Amount> = each.filter(|amount| !amount.is_zero()).collect();
        amounts.sort_unstable();
        amounts
    };
    sorted(&mut entered.into_values()) == sorted(&mut { entries })
}

/// The market contract of each leg of a call of `reallocate`, what it does and what it is told; none where `data` is no
/// such call.
#[must_use]
pub fn legs_of(data: &[u8]) -> Vec<(Address, LegKind, Bytes)> {
    let Ok(call) = reallocateCall::abi_decode(data) else { return Vec::new() };
    let legs = call.legs.into_iter();
    legs.filter_map(|leg| Some((leg.market, LegKind::of(leg.kind)?, leg.data))).collect()
}

fn legs(moves: &[Move]) -> Vec<Leg> {
    let leg = |each: &Move| Leg {
        market: each.contract,
        kind: each.kind.code(),
        assets: each.amount.map_or(U256::MAX, |amount| amount.0),
        minimum: each.least.0,
        maximum: each.most.0,
        data: each.data.clone(),
    };
    moves.iter().map(leg).collect()
}

/// The first four bytes of the one call that the engine signs.
pub const REALLOCATE: [u8; 4] = reallocateCall::SELECTOR;
