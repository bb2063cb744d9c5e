//! What the service shows: plain structures, made by the driver from the vocabulary of `plimsoll-core`.
//!
//! A name that ended in `_pct` would be percent; there is none so far. Everything else is a
//! fraction, a count or a decimal string.

mod decimal;
mod decision;
mod fate;
mod figure;
mod health;
mod market;
mod position;
mod score;
mod vault;

pub use decimal::{Decimal, Moment, NotDecimal, NotMoment};
pub use decision::{
    ActionView, AlternativeView, BindingView, CostView, DecidedAt, DecisionView, ExpectedView,
    PlanView, RefusalView, Verdict, WaiverView,
};
pub use fate::{FateState, FateView, TransactionView};
pub(crate) use figure::Aging;
pub use figure::{AsOf, Figure, Origin, Value};
pub use health::{
    BreakerView, Check, HeadView, Health, JournalView, Mode, NodeView, Readiness, Unready,
};
pub use market::{MarketView, MarketsView, RatesView, SwitchesView, TermsView};
pub use position::{KindView, PositionView, PositionsView, RangeView};
pub use score::{Interval, ScoreView, ScoredView, ScoresView};
pub use vault::{AssetView, LineView, VaultView};
