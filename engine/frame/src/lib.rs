//! Frames: the one schema of market rows, its validator, the data-quality gate, the view that cannot
//! name a later row, the table of scores, and the traits [`RiskModel`] and [`Strategy`].
//!
//! Adapters return typed rows; only this crate builds frames. Pure: no file, no network, no clock.

pub mod error;
pub mod gate;
pub mod leg_frame;
pub mod market_frame;
pub mod quality;
pub mod row;
pub mod schema;
pub mod score;
pub mod strategy;
pub mod terms;
pub mod view;

pub use error::FrameError;
pub use gate::{Gate, GateMode, GateSettings};
pub use leg_frame::{Leg, LegFrame, Side};
pub use market_frame::{MarketFrame, MarketFrameBuilder};
pub use quality::{Action, Defect, QualityReport, QualityRow};
pub use row::{MarketRow, Observation};
pub use schema::Column;
pub use score::{Asked, Doubt, RiskModel, Score, Scores, Service};
pub use strategy::{
    Costs, Group, Reason, Recent, SharedCaps, Situation, Strategy, StrategyError, Target,
    TargetError,
};
pub use terms::{MovingTerms, PoolShape, PoolTerms, Terms, TermsBook};
pub use view::{Quote, View};
