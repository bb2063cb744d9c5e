//! What a pool adds up over time: ticks, and seconds for each unit of liquidity. The staker pays by it.

use alloy_primitives::aliases::U160;

/// The newest observation of a pool. Older ones, which the contract keeps in a ring, are not kept here.
///
/// # Source
/// Uniswap V3, `Oracle.Observation`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Observation {
    /// When it was written, Unix seconds in 32 bits.
    pub time: u32,
    /// The sum of tick times seconds, in 56 bits that wrap.
    pub tick_cumulative: i64,
    /// The sum of seconds over liquidity in Q128.128, in 160 bits that wrap.
    pub seconds_per_liquidity_x128: U160,
}

impl Observation {
    /// Returns what it is at `now`, when tick and liquidity have not moved since. Liquidity of zero counts as one.
    ///
    /// # Source
    /// Uniswap V3, `Oracle.transform`.
    #[must_use]
    pub fn at(self, now: u32, tick: i32, liquidity: u128) -> Observation {
        let seconds = now.wrapping_sub(self.time);
        if seconds == 0 {
            return self;
        }
        let ticks = i64::from(tick).wrapping_mul(i64::from(seconds));
        let grown = (U160::from(seconds) << 128) / U160::from(liquidity.max(1));
        Observation {
            time: now,
            tick_cumulative: int56(self.tick_cumulative.wrapping_add(ticks)),
            seconds_per_liquidity_x128: self.seconds_per_liquidity_x128.wrapping_add(grown),
        }
    }
}

/// The same number in 56 bits that wrap, as the contract keeps it.
pub(super) fn int56(number: i64) -> i64 {
    number.wrapping_shl(8) >> 8
}

/// What a range has seen since some time; only differences between two of them mean anything.
///
/// # Source
/// Uniswap V3, `UniswapV3Pool.snapshotCumulativesInside`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Inside {
    /// The sum of tick times seconds while the price was in the range, 56 bits that wrap.
    pub tick_cumulative: i64,
    /// The sum of seconds over liquidity while it was, Q128.128 in 160 bits that wrap.
    pub seconds_per_liquidity_x128: U160,
    /// The seconds while it was, 32 bits that wrap.
    pub seconds: u32,
}

impl Inside {
    pub(super) fn minus(self, other: Inside) -> Inside {
        let rest = self.seconds_per_liquidity_x128.wrapping_sub(other.seconds_per_liquidity_x128);
        Inside {
            tick_cumulative: int56(self.tick_cumulative.wrapping_sub(other.tick_cumulative)),
            seconds_per_liquidity_x128: rest,
            seconds: self.seconds.wrapping_sub(other.seconds),
        }
    }

    pub(super) fn of(observation: Observation) -> Inside {
        Inside {
            tick_cumulative: observation.tick_cumulative,
            seconds_per_liquidity_x128: observation.seconds_per_liquidity_x128,
            seconds: observation.time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_sums_wrap_as_the_contracts_do() {
        let last = Observation { time: u32::MAX - 1, tick_cumulative: 0, ..Observation::default() };
        let next = last.at(2, -7, 0);
        assert_eq!((next.time, next.tick_cumulative), (2, -28));
        assert_eq!(next.seconds_per_liquidity_x128, U160::from(4) << 128);
        assert_eq!(int56((1 << 55) - 1 + 1), -(1 << 55));
    }
}
