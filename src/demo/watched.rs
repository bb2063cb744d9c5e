//! What is watched block by block: how much could not leave, and how full the largest market was.

use super::document::decimal;
use plimsoll_core::Amount;
use plimsoll_execute::live::Tick;
use plimsoll_execute::live::books::signed;
use serde::Serialize;

/// Of less than this part of everything nothing is said to be stuck: a dollar of a hundred thousand.
const DUST: f64 = 1e-5;

/// What could not leave.
#[derive(Debug, Default, Serialize)]
pub(super) struct Stuck {
    /// Blocks at which more than dust could not.
    pub(super) blocks: u64,
    /// The most, in the vault's asset.
    pub(super) most: String,
    /// The same as a share of everything.
    pub(super) most_of_nav: f64,
}

/// What is watched in one vault.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// The highest utilization of a market of Aave.
    pub(super) peak: f64,
    blocks: u64,
    most: Amount,
    most_of_nav: f64,
    decimals: u8,
}

impl Watched {
    /// Takes in a block.
    pub(super) fn take(&mut self, tick: &Tick) {
        let aave = tick.reads.iter().flatten().flat_map(|read| &read.readings);
        for reading in aave.filter(|reading| reading.market.protocol() == "aave-v3") {
            let supplied = reading.supplied.to_f64(reading.decimals);
            let used = if supplied > 0.0 {
                reading.borrowed.to_f64(reading.decimals) / supplied
            } else {
                0.0
            };
            self.peak = self.peak.max(used);
        }
        let vault = &tick.vault;
        self.decimals = vault.decimals;
        let locked = vault.places.iter().map(|place| {
            place.worth.unwrap_or_default().saturating_sub(place.available.unwrap_or_default())
        });
        let locked = locked.fold(Amount::ZERO, Amount::saturating_add);
        let all = vault.gross.to_f64(vault.decimals);
        let part = if all > 0.0 { locked.to_f64(vault.decimals) / all } else { 0.0 };
        if part > DUST {
            self.blocks += 1;
        }
        if locked > self.most {
            (self.most, self.most_of_nav) = (locked, part);
        }
    }

    /// What could not leave.
    pub(super) fn stuck(&self) -> Stuck {
        let most = decimal(signed(self.most), self.decimals);
        Stuck { blocks: self.blocks, most, most_of_nav: self.most_of_nav }
    }
}
