//! Uniswap V3.
//!
//! [`Pool`] is a pool's whole state with [`Pool::mint`], [`Pool::burn`], [`Pool::collect`] and [`Pool::swap`];
//! [`Managed`] is a position of the position manager; [`reward_down`] is what the staker pays. Below them are the
//! functions that the contract's libraries have: ticks and prices in [`tick`], amounts in [`price`].

mod manager;
mod oracle;
mod pool;
mod position;
pub mod price;
mod staker;
mod step;
mod swap;
pub mod tick;

pub use manager::Managed;
pub use oracle::{Inside, Observation};
pub use pool::{Pool, TickInfo};
pub use position::{Growth, Position, PositionKey, earned_down};
pub use staker::{Campaign, Reward, reward_down};
pub use step::{Step, SwapAmount, swap_step};
pub use swap::{Order, Swapped};

#[cfg(test)]
mod tests;
