//! Live adapters on the protocols' own bytecode, on a local chain.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod bench;
mod checks;
mod comet;
mod conformance;
mod differential;
mod faults;
mod on_aave;
mod on_morpho;
mod on_pairs;
mod on_ranges;
mod on_stables;
mod on_staked;
mod on_stata;
mod on_vaults;
mod pairs;
mod pairs_differential;
mod pairs_stage;
mod people;
mod pools_world;
mod prices;
mod proxy;
mod random_states;
mod ranges;
mod ranges_differential;
mod ranges_stage;
mod revisions;
mod rewards;
mod stables;
mod stables_differential;
mod stables_stage;
mod stage;
mod staked;
mod staked_differential;
mod staked_stage;
mod staked_world;
mod staking_vaults;
mod subject;
