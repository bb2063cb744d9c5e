//! What each event needs: a world, positions that it strikes, and how long it is watched.

use super::super::stage::{Scope, Stage};
use super::super::world::{CAMPAIGN_DAYS, WorldFile};
use super::super::{DAY_BLOCKS, Show};
use crate::cli::EventName;
use anyhow::Context;
use plimsoll_core::MarketId;
use plimsoll_localchain::{
    Artifacts, Asset, Event, PoolName, SceneSettings, WorldSettings, take_fee_on_transfer,
};

/// What validators lose.
const SLASHED: f64 = 0.05;
/// What staked ether trades at, in ether.
const DEPEGGED: f64 = 0.93;
/// Days that withdrawals wait.
const CONGESTED_DAYS: u64 = 10;
/// What the reward token keeps of each transfer, basis points: more than the market contract may lose in a sale.
const FEE_BPS: u64 = 500;
/// How far beyond the end of the range the price goes, in half widths from where it stands.
const BEYOND: f64 = 1.2;

/// What an event needs.
pub(super) struct Plot {
    /// The world.
    pub(super) scope: Scope,
    /// What has to be held: the vault's asset and the market's protocol.
    pub(super) strikes: &'static [(Asset, &'static str)],
    /// Days after it.
    pub(super) days_after: u64,
}

/// What an event needs.
pub(super) fn plot(name: EventName) -> Plot {
    let strikes: &[(Asset, &str)] = match name {
        EventName::CampaignEnd | EventName::RewardFee | EventName::WorthlessReward => {
            &[(Asset::Usdc, "uniswap-v2")]
        }
        EventName::Slashing | EventName::Depeg => {
            &[(Asset::Weth, "staked-eth"), (Asset::Weth, "balancer-stable")]
        }
        EventName::Queue => &[(Asset::Weth, "staked-eth")],
        EventName::Drain => &[(Asset::Usdc, "uniswap-v2"), (Asset::Weth, "balancer-stable")],
        EventName::Swing => &[(Asset::Usdc, "uniswap-v3")],
    };
    let scope = match name {
        EventName::Swing => busy_pool(),
        _ => WorldFile::default().scope(),
    };
    let days_after = if name == EventName::Queue { CONGESTED_DAYS + 2 } else { 7 };
    Plot { scope, strikes, days_after }
}

/// A world in which ranges pay: people trade five times as much as otherwise.
fn busy_pool() -> Scope {
    Scope::Everything {
        scene: SceneSettings { noise_per_hour: 0.02, ..SceneSettings::default() },
        world: WorldSettings { campaign_days: CAMPAIGN_DAYS },
    }
}

/// Has it happen with the next block.
pub(super) async fn happen(
    show: &mut Show,
    name: EventName,
    artifacts: &Artifacts,
) -> anyhow::Result<()> {
    let event = match name {
        EventName::CampaignEnd => Event::CampaignEnd,
        EventName::Slashing => Event::Slashing(SLASHED),
        EventName::Depeg => Event::Depeg(DEPEGGED),
        EventName::Queue => Event::Queue { days: CONGESTED_DAYS },
        EventName::WorthlessReward => Event::WorthlessReward,
        EventName::RewardFee => return charge(&mut show.stage, artifacts).await,
        EventName::Drain => {
            show.stage.driver.happen(Event::Drain(PoolName::Pair))?;
            Event::Drain(PoolName::Ether)
        }
        EventName::Swing => {
            let factor = beyond(show).context("a position without a range")?;
            Event::Swing { factor, blocks: DAY_BLOCKS }
        }
    };
    Ok(show.stage.driver.happen(event)?)
}

/// Has the reward token take its fee.
async fn charge(stage: &mut Stage, artifacts: &Artifacts) -> anyhow::Result<()> {
    let token = stage.world.as_ref().context("no rewards here")?.reward.token;
    stage.shortly().await?;
    take_fee_on_transfer(&stage.chain, artifacts, (token, FEE_BPS)).await?;
    stage.hourly().await
}

/// By what the price has to be multiplied to leave the range upwards: that way no borrower is liquidated.
fn beyond(show: &Show) -> Option<f64> {
    let side = show.sides.iter().find(|side| side.seat.asset == Asset::Usdc)?;
    let is_range = |market: &&MarketId| market.protocol() == "uniswap-v3";
    let market = side.books.accounts().keys().find(is_range)?;
    let range = side.books.accounts().get(market)?.look.facts().range?;
    Some((BEYOND * (range.half_width + range.offset.abs())).exp())
}
