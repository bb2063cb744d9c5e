//! Everything that is to be seen at a block, and the diary of all blocks.

use super::{Driver, Market, MarketState, References, WorldState};
use crate::{Asset, Head, LocalChain, LocalChainError};
use std::collections::BTreeMap;

/// The markets as they stand at a block.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The block.
    pub head: Head,
    /// The lending markets.
    pub lending: BTreeMap<Market, MarketState>,
    /// True prices in USD.
    pub prices: BTreeMap<Asset, f64>,
    /// Pools, campaigns and staked ether with the prices to which arbitrage brings them; none where nobody has entered
    /// a world.
    pub world: Option<(WorldState, References)>,
}

impl Driver {
    /// Reads everything at the newest block.
    ///
    /// # Errors
    /// [`LocalChainError`] when the chain does not answer.
    pub async fn view(&self, chain: &LocalChain) -> Result<View, LocalChainError> {
        let head = chain.head().await?;
        let lending = self.observe(chain).await?;
        let state = match &self.scene {
            Some(scene) => Some(scene.look(chain).await?),
            None => None,
        };
        Ok(self.viewed(head, lending, state))
    }

    /// Has every step from now on write down what it sees before it acts, which it reads anyway. The newest block is
    /// missing until the next step; [`Driver::view`] has it.
    pub fn keep_diary(&mut self) {
        self.diary.get_or_insert_default();
    }

    /// Returns what was written down, oldest first; empty where no diary is kept.
    #[must_use]
    pub fn diary(&self) -> &[View] {
        self.diary.as_deref().unwrap_or_default()
    }

    pub(super) fn viewed(
        &self,
        head: Head,
        lending: BTreeMap<Market, MarketState>,
        state: Option<WorldState>,
    ) -> View {
        let prices = Asset::ALL.map(|asset| (asset, self.prices.truth(asset))).into();
        let references = self.scene.as_ref().map(|scene| scene.references(self.usd()));
        View { head, lending, prices, world: state.zip(references) }
    }
}
