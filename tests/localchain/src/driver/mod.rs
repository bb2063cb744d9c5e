//! A seeded market: block by block, prices move and people answer, the same for the same seed.
//!
//! Every step reads the chain, decides in plain arithmetic, sends its transactions and mines exactly
//! one block. Nothing here is a forecast or a model of real people; it makes rates, utilization and
//! liquidations live so that what watches them has something to watch.

mod act;
mod market;
mod observe;
mod people;
mod prices;
mod scene;
mod venue;
mod view;

pub use market::Market;
pub(crate) use market::{person, raw, whole};
pub use observe::MarketState;
pub use scene::{Event, PoolName, PricePath, References, SceneSettings, StableState, WorldState};
pub use view::View;

use crate::abi::IPriceFeed;
use crate::{Asset, Call, Deployment, Head, LocalChain, LocalChainError, Mining, World};
use act::Moment;
use alloy::primitives::{Address, I256, U256};
use alloy::rpc::types::TransactionReceipt;
use market::{Book, RunPhase};
use observe::Observed;
use prices::Prices;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use scene::{Hour, Scene};
use serde_json::json;
use std::collections::BTreeMap;

/// Gas of an act of lending where pools are traded in beside it: above the dearest liquidation.
const LENDING_GAS: u64 = 900_000;

/// How a market lives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarketSettings {
    /// What everything random follows from.
    pub seed: u64,
    /// The probability that one side of one market acts in a block.
    pub activity: f64,
    /// By what power of the supply APR suppliers want more.
    pub supply_elasticity: f64,
    /// By what power of the borrow APR borrowers want less.
    pub demand_elasticity: f64,
    /// Ether's volatility, per square root of a year; bitcoin has three quarters of it.
    pub volatility: f64,
    /// How often both fall at once.
    pub falls_per_year: f64,
    /// By what fraction they then fall, on average.
    pub fall: f64,
}

impl Default for MarketSettings {
    fn default() -> MarketSettings {
        MarketSettings {
            seed: 1,
            activity: 0.4,
            supply_elasticity: 0.5,
            demand_elasticity: 0.7,
            volatility: 0.7,
            falls_per_year: 24.0,
            fall: 0.06,
        }
    }
}

/// How a bank run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// All at once, with the next block.
    Sudden,
    /// After as many blocks in which more and more leave.
    Announced {
        /// How many.
        blocks: u64,
    },
}

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepReport {
    /// The block it made.
    pub head: Head,
    /// Transactions sent.
    pub sent: usize,
    /// Those of them that reverted.
    pub reverted: usize,
    /// Prices posted.
    pub posts: usize,
    /// Liquidations tried.
    pub liquidations: usize,
}

/// The transactions of a block in the making.
#[derive(Debug, Default)]
struct Plan {
    calls: Vec<Call>,
    liquidations: usize,
}

/// The people and prices of a local chain.
#[derive(Debug, Clone)]
pub struct Driver {
    deployment: Deployment,
    settings: MarketSettings,
    rng: ChaCha8Rng,
    prices: Prices,
    books: Vec<Book>,
    liquidator: Address,
    scene: Option<Scene>,
    /// Recorded prices, and when they begin.
    paths: BTreeMap<Asset, (PricePath, u64, f64)>,
    diary: Option<Vec<View>>,
}

impl Driver {
    /// Brings the people to a fresh deployment and opens their positions, in a few blocks. From
    /// then on the chain mines on demand only.
    ///
    /// # Errors
    /// [`LocalChainError`] when a position cannot be opened.
    pub async fn start(
        chain: &mut LocalChain,
        deployment: Deployment,
        settings: MarketSettings,
    ) -> Result<Driver, LocalChainError> {
        chain.set_mining(Mining::OnDemand).await?;
        let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
        let books: Vec<Book> =
            Market::ALL.iter().map(|market| people::book(*market, &mut rng)).collect();
        let liquidator = market::person("liquidator");
        people::settle(chain, &deployment, &books, liquidator).await?;
        let prices = Prices::start(chain.head().await?.time);
        let mut driver = Driver {
            deployment,
            settings,
            rng,
            prices,
            books,
            liquidator,
            scene: None,
            paths: BTreeMap::new(),
            diary: None,
        };
        let states = driver.observe(chain).await?;
        for (book, state) in driver.books.iter_mut().zip(states.values()) {
            book.base = (state.supplied, state.borrowed);
            book.reference = (state.supply_apr, state.borrow_apr);
        }
        Ok(driver)
    }

    /// Returns what was deployed.
    #[must_use]
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Reads every market at the newest block.
    ///
    /// # Errors
    /// [`LocalChainError`] when the chain does not answer.
    pub async fn observe(
        &self,
        chain: &LocalChain,
    ) -> Result<BTreeMap<Market, MarketState>, LocalChainError> {
        let prices = self.prices.posted();
        let observed = observe::observe(chain, &self.deployment, &self.books, &prices).await?;
        Ok(self.states(&observed))
    }

    fn states(&self, observed: &[Observed]) -> BTreeMap<Market, MarketState> {
        let markets = self.books.iter().map(|book| book.market);
        markets.zip(observed.iter().map(|observed| observed.state)).collect()
    }

    /// Moves the market on by one block: decides, sends, mines.
    ///
    /// # Errors
    /// [`LocalChainError`] when the chain refuses; a transaction that reverts is only counted.
    pub async fn step(&mut self, chain: &LocalChain) -> Result<StepReport, LocalChainError> {
        let before = self.prices.posted();
        let observed = observe::observe(chain, &self.deployment, &self.books, &before).await?;
        let state = match &self.scene {
            Some(scene) => Some(scene.look(chain).await?),
            None => None,
        };
        let block_seconds = chain.settings().block_seconds;
        let last = chain.head().await?;
        let time = last.time.saturating_add(block_seconds);
        if self.diary.is_some() {
            let seen = self.viewed(last, self.states(&observed), state.clone());
            self.diary.get_or_insert_default().push(seen);
        }
        // A block that stands for less than 2^32 seconds: 136 years.
        let seconds = f64::from(u32::try_from(block_seconds).unwrap_or(u32::MAX));
        self.prices.advance(&mut self.rng, &self.settings, seconds);
        let swing = self.scene.as_mut().map_or(1.0, Scene::swing);
        self.prices.shock(Asset::Weth, swing);
        self.follow_paths(time);
        let mut plan = Plan::default();
        for (asset, price) in self.prices.post(time) {
            plan.calls.push(self.post(asset, price)?);
        }
        let mut posts = plan.calls.len();
        self.decide(&before, seconds, &observed, &mut plan)?;
        let usd = self.usd();
        if let Some((scene, state)) = self.scene.as_mut().zip(state) {
            for call in plan.calls.iter_mut() {
                // Both sides have to fit into the block.
                call.gas = call.gas.min(LENDING_GAS);
            }
            let (calls, more) = scene.plan(chain, (&state, &Hour { time, seconds, usd })).await?;
            plan.calls.extend(calls);
            posts = posts.saturating_add(more);
        }
        for call in &plan.calls {
            chain.send(call).await?;
        }
        let head = chain.mine().await?;
        let receipts: Vec<TransactionReceipt> =
            chain.request("eth_getBlockReceipts", json!(["latest"])).await?;
        let reverted = receipts.iter().filter(|receipt| !receipt.status()).count();
        let (sent, liquidations) = (plan.calls.len(), plan.liquidations);
        Ok(StepReport { head, sent, reverted, posts, liquidations })
    }

    /// What everybody does in this block.
    fn decide(
        &mut self,
        before: &BTreeMap<Asset, f64>,
        seconds: f64,
        observed: &[Observed],
        plan: &mut Plan,
    ) -> Result<(), LocalChainError> {
        let prices = self.prices.posted();
        let moment = Moment {
            deployment: &self.deployment,
            settings: &self.settings,
            prices: &prices,
            before,
            seconds,
            liquidator: self.liquidator,
            spare: spare(&self.books, observed),
        };
        for (book, observed) in self.books.iter_mut().zip(observed) {
            let seizures = act::liquidations(&moment, book, observed)?;
            // A loan that is taken over is not added to in the same block.
            let quiet = seizures.is_empty();
            plan.liquidations = plan.liquidations.saturating_add(seizures.len());
            plan.calls.extend(seizures);
            plan.calls.extend(match book.run {
                Some(_) => act::run(&moment, book, observed)?,
                None if quiet => act::trade(&moment, book, observed, &mut self.rng)?,
                None => Vec::new(),
            });
        }
        Ok(())
    }

    /// Starts a run on a market: suppliers leave, nobody comes, nobody repays, until
    /// [`Driver::calm`]. What they can take they take, so that utilization reaches 100 %.
    ///
    /// # Errors
    /// [`LocalChainError::UnknownMarket`] for one in which nobody acts.
    pub fn bank_run(&mut self, market: Market, run: Run) -> Result<(), LocalChainError> {
        let warning_blocks = match run {
            Run::Sudden => 0,
            Run::Announced { blocks } => blocks,
        };
        self.book(market)?.run = Some(RunPhase { warning_blocks });
        Ok(())
    }

    /// Ends a run: people answer to rates again.
    ///
    /// # Errors
    /// [`LocalChainError::UnknownMarket`] for one in which nobody acts.
    pub fn calm(&mut self, market: Market) -> Result<(), LocalChainError> {
        self.book(market)?.run = None;
        Ok(())
    }

    fn book(&mut self, market: Market) -> Result<&mut Book, LocalChainError> {
        let unknown = || LocalChainError::UnknownMarket { name: market.to_string() };
        self.books.iter_mut().find(|book| book.market == market).ok_or_else(unknown)
    }

    /// Multiplies an asset's price at once; its feed says so with the next block.
    pub fn shock(&mut self, asset: Asset, factor: f64) {
        self.prices.shock(asset, factor);
    }

    /// Brings traders, stakers and validators to a world beside the lending markets; from now on they act with every
    /// step, from the same seed.
    ///
    /// # Errors
    /// [`LocalChainError`] when the chain does not answer.
    pub async fn enter(
        &mut self,
        chain: &LocalChain,
        world: World,
        settings: SceneSettings,
    ) -> Result<(), LocalChainError> {
        let seed = self.settings.seed;
        self.scene = Some(Scene::start(chain, world, (settings, seed)).await?);
        Ok(())
    }

    /// Has an asset follow recorded prices from the next block on instead of seeded ones, scaled so that they begin at
    /// today's. `now` is the newest block's time.
    pub fn follow(&mut self, asset: Asset, path: PricePath, now: u64) {
        self.paths.insert(asset, (path, now, self.prices.truth(asset)));
    }

    /// Has something happen with the next block.
    ///
    /// # Errors
    /// [`LocalChainError::UnknownMarket`] where there are no pools: see [`Driver::enter`].
    pub fn happen(&mut self, event: Event) -> Result<(), LocalChainError> {
        let factor = self.scene_mut()?.happen(event);
        self.prices.shock(Asset::Weth, factor);
        Ok(())
    }

    /// Reads pools, campaigns and staked ether at the newest block.
    ///
    /// # Errors
    /// [`LocalChainError::UnknownMarket`] where there are none, others when the chain does not answer.
    pub async fn look(&self, chain: &LocalChain) -> Result<WorldState, LocalChainError> {
        self.scene()?.look(chain).await
    }

    /// Returns the prices to which arbitrage brings the pools.
    ///
    /// # Errors
    /// [`LocalChainError::UnknownMarket`] where there are none.
    pub fn references(&self) -> Result<References, LocalChainError> {
        Ok(self.scene()?.references(self.usd()))
    }

    fn scene(&self) -> Result<&Scene, LocalChainError> {
        self.scene.as_ref().ok_or_else(no_scene)
    }

    fn scene_mut(&mut self) -> Result<&mut Scene, LocalChainError> {
        self.scene.as_mut().ok_or_else(no_scene)
    }

    /// The true prices of ether and USDC in USD.
    fn usd(&self) -> (f64, f64) {
        (self.prices.truth(Asset::Weth), self.prices.truth(Asset::Usdc))
    }

    fn follow_paths(&mut self, time: u64) {
        let swung = self.scene.as_ref().map_or(1.0, Scene::swung);
        for (asset, (path, start, first)) in &self.paths {
            let factor = if *asset == Asset::Weth { swung } else { 1.0 };
            self.prices.set(*asset, first * factor * path.relative(time.saturating_sub(*start)));
        }
    }

    /// The transaction by which a feed posts a price.
    fn post(&self, asset: Asset, price: f64) -> Result<Call, LocalChainError> {
        let refuse = || LocalChainError::OutOfRange { field: "price", found: price };
        let answer = market::raw("price", price, 8)?;
        let answer = I256::try_from(answer).map_err(|_| refuse())?;
        let feed = self.deployment.token(asset)?.feed;
        Ok(Call::new(self.deployment.admin, feed, &IPriceFeed::postCall { answer }))
    }
}

fn no_scene() -> LocalChainError {
    LocalChainError::UnknownMarket { name: "pools: Driver::enter brings people to them".to_owned() }
}

/// What borrowers may take back of each asset lent on Aave: little of what is there, since suppliers
/// and borrowers of that asset take up to 95 % in the same block, and nothing in a run.
fn spare(books: &[Book], observed: &[Observed]) -> BTreeMap<Asset, U256> {
    let aave = books.iter().zip(observed).filter_map(|(book, observed)| match book.market {
        Market::Aave(asset) if book.run.is_some() => Some((asset, U256::ZERO)),
        Market::Aave(asset) => Some((asset, observed.state.available / U256::from(50))),
        Market::Morpho(_) => None,
    });
    aave.collect()
}
