//! What a market contract is told beside amounts: the words of its legs, from what was read of it.
//!
//! Pure, and from what stands in the journal, so that a replay makes the same bytes.

use crate::chain::vault::LegKind;
use alloy::primitives::{Bytes, U256};
use alloy::sol_types::SolValue;
use plimsoll_core::units::floor_to_index;
use plimsoll_core::{Amount, UpkeepKind};
use serde::{Deserialize, Serialize};

/// The logarithm of the price that one tick is: `ln 1.0001`.
const TICK: f64 = 9.999_500_033_330_834e-5;
/// Millionths.
const MILLION: f64 = 1e6;
/// One, in wei of a rate.
const WAD: u64 = 1_000_000_000_000_000_000;

/// What a market contract needs to be told things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "contract", rename_all = "snake_case")]
pub enum Words {
    /// Takes no words.
    #[default]
    Plain,
    /// Harvests without words, and has no shape.
    Harvests,
    /// A Uniswap V3 range.
    Range {
        /// The tick of the oracle's price.
        tick: i32,
        /// Ticks that a range may begin and end at are multiples of this.
        spacing: i32,
    },
    /// Staked ETH with a queue.
    Staked {
        /// What a whole wrapped token is redeemed for, raw units of the asset.
        rate: Amount,
    },
}

impl Words {
    /// Returns the leg by which the contract does `kind`, and its words; `None` where it cannot.
    #[must_use]
    pub fn leg(&self, kind: UpkeepKind) -> Option<(LegKind, Bytes)> {
        match (self, kind) {
            (Words::Harvests | Words::Range { .. } | Words::Staked { .. }, UpkeepKind::Harvest)
            | (Words::Staked { .. }, UpkeepKind::Claim) => Some((LegKind::Harvest, Bytes::new())),
            (Words::Range { .. }, UpkeepKind::Range { half_width }) => {
                let (lower, upper) = self.ticks(half_width)?;
                let words = (U256::ZERO, lower, upper).abi_encode_params();
                Some((LegKind::Arrange, words.into()))
            }
            (Words::Staked { rate }, UpkeepKind::RequestExit { amount }) => {
                let units = amount.mul_div_down(Amount(U256::from(WAD)), *rate)?;
                Some((LegKind::Harvest, (units.0,).abi_encode_params().into()))
            }
            _ => None,
        }
    }

    /// Returns the words of an entry into an empty position, with the range that it gets.
    #[must_use]
    pub fn entry(&self, range: Option<u32>) -> Option<Bytes> {
        match self {
            Words::Range { .. } => {
                let (lower, upper) = self.ticks(range?)?;
                Some((lower, upper).abi_encode_params().into())
            }
            _ => Some(Bytes::new()),
        }
    }

    /// The ticks of a range around the oracle's price, as wide as asked for, or the next wider.
    fn ticks(&self, half_width: u32) -> Option<(i32, i32)> {
        let Words::Range { tick, spacing } = *self else { return None };
        let step = i64::from(spacing.max(1));
        let half = floor_to_index((f64::from(half_width) / MILLION / TICK).ceil());
        let half = i64::try_from(half).ok()?.max(step);
        let middle = i64::from(tick);
        let lower = (middle - half).div_euclid(step) * step;
        let upper = (middle + half + step - 1).div_euclid(step) * step;
        Some((i32::try_from(lower).ok()?, i32::try_from(upper).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_lies_around_the_oracles_price_on_ticks_that_may_be_used() {
        let words = Words::Range { tick: -201_003, spacing: 60 };
        // 5 % is 500.025 ticks: the next wider one on either side.
        let (kind, bytes) = words.leg(UpkeepKind::Range { half_width: 50_000 }).unwrap();
        assert_eq!(kind, LegKind::Arrange);
        let (act, lower, upper) = <(U256, i32, i32)>::abi_decode_params(&bytes).unwrap();
        assert_eq!((act, lower, upper), (U256::ZERO, -201_540, -200_460));
        assert_eq!(words.entry(None), None, "an entry needs a range");
        let bytes = words.entry(Some(1)).unwrap();
        let narrow = <(i32, i32)>::abi_decode_params(&bytes).unwrap();
        assert_eq!(narrow, (-201_120, -200_940), "never narrower than a step");
    }

    #[test]
    fn asking_the_queue_is_said_in_wrapped_tokens() {
        let words = Words::Staked { rate: Amount(U256::from(1_200_000_000_000_000_000u64)) };
        let amount = Amount(U256::from(6u64) * U256::from(WAD));
        let (kind, bytes) = words.leg(UpkeepKind::RequestExit { amount }).unwrap();
        assert_eq!(kind, LegKind::Harvest);
        let (units,) = <(U256,)>::abi_decode_params(&bytes).unwrap();
        assert_eq!(units, U256::from(5u64) * U256::from(WAD));
        assert_eq!(words.leg(UpkeepKind::Range { half_width: 1 }), None);
        assert_eq!(Words::Plain.leg(UpkeepKind::Harvest), None);
    }

    #[test]
    fn words_stand_in_a_journal_as_they_are() {
        for words in [Words::Plain, Words::Harvests, Words::Range { tick: -5, spacing: 10 }] {
            let json = serde_json::to_string(&words).unwrap();
            assert_eq!(serde_json::from_str::<Words>(&json).unwrap(), words);
        }
    }
}
