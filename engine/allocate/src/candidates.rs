//! From a situation to a book: every market with what it pays, what it may hold, and what moving costs.

use crate::evidence::RunScenario;
use crate::optimise::{Book, Choice, Earns};
use crate::propose::AllocatorSettings;
use crate::restore::usable;
use plimsoll_core::{Enforcement, Lending, Limit, MarketId, MarketKind, Pooled, RiskPreference};
use plimsoll_frame::{Doubt, Group, PoolShape, Quote, Recent, Score, SharedCaps, Situation};
use std::collections::BTreeMap;

/// Days in the year over which rates are simple.
pub(crate) const YEAR_DAYS: f64 = 365.0;

/// The share of everything for which a width is chosen where nothing is held.
const PROBE: f64 = 0.1;
/// The share of what a range would earn that another has to bring more.
const WORTH_A_CHANGE: f64 = 0.1;

/// A book with the names of its choices and groups.
#[derive(Debug, Clone)]
pub struct Candidates {
    /// The market of each choice.
    pub markets: Vec<MarketId>,
    /// Each choice's market as it stands, in the vault's denomination, where its curve and size are known.
    pub standing: Vec<Option<Lending>>,
    /// What each group is.
    pub groups: Vec<Group>,
    /// What is to be decided.
    pub book: Book,
    /// The caps of the line that markets share.
    pub shared: SharedCaps,
    /// Held markets of which nothing is known now: they stay as they are, outside the book.
    pub frozen: BTreeMap<MarketId, f64>,
    /// Markets that are not bought, with the reason.
    pub left_out: Vec<(MarketId, LeftOut)>,
    /// Whether anything among them moves with a price.
    pub swings: bool,
    /// The share of each limit that is left free.
    pub headroom: f64,
    /// The caps of the line itself, without headroom.
    pub(crate) line: LineCaps,
    /// The kinds that may be bought; all where nothing is said.
    kinds: Option<&'static [MarketKind]>,
}

/// Why a market is not bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// No fresh row, no rate or no index.
    NotOpen,
    /// The protocol takes no deposits now.
    TakesNoDeposits,
    /// Nothing says what it will pay.
    RateUnknown,
    /// More wrappers than the line allows, or an unknown number where the line is strict.
    WrapDepth,
    /// Nobody says who issues its asset, and the line is strict.
    IssuerUnknown,
    /// Nobody says what could leave in a run, and the line is strict.
    ExitUnknown,
    /// It is of a kind that the strategy leaves alone.
    Kind,
    /// What is known of it is a reason to stay away.
    Doubt(Doubt),
}

impl LeftOut {
    /// The reason as a key, beside those of what binds.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            LeftOut::NotOpen => "not_open",
            LeftOut::TakesNoDeposits => "takes_no_deposits",
            LeftOut::RateUnknown => "rate_unknown",
            LeftOut::WrapDepth => "wrap_depth",
            LeftOut::IssuerUnknown => "issuer_unknown",
            LeftOut::ExitUnknown => "exit_unknown",
            LeftOut::Kind => "kind",
            LeftOut::Doubt(Doubt::Discount) => "discount",
            LeftOut::Doubt(Doubt::Queue) => "queue",
            LeftOut::Doubt(Doubt::ShortHistory) => "short_history",
        }
    }

    /// The reason in words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            LeftOut::NotOpen => "it has no fresh rate and index",
            LeftOut::TakesNoDeposits => "it takes no deposits now",
            LeftOut::RateUnknown => "nothing says what it will pay",
            LeftOut::WrapDepth => {
                "it is wrapped deeper than the line allows, or how deep is unknown"
            }
            LeftOut::IssuerUnknown => "the issuer of its asset is unknown",
            LeftOut::ExitUnknown => "what could leave it in a run is unknown",
            LeftOut::Kind => "the strategy leaves its kind alone",
            LeftOut::Doubt(Doubt::Discount) => {
                "it is sold far below what it is redeemed for: somebody may know more"
            }
            LeftOut::Doubt(Doubt::Queue) => "who wants out waits longer than a month and a half",
            LeftOut::Doubt(Doubt::ShortHistory) => {
                "how far its price swings is not known for long enough"
            }
        }
    }
}

/// The caps of the line across markets, whole units.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LineCaps {
    /// What each group may hold.
    pub(crate) groups: Vec<f64>,
    /// What may be stuck in a run.
    pub(crate) stuck: f64,
}

/// The limits as far as they hold.
struct Limits<'a> {
    line: Option<&'a RiskPreference>,
    is_strict: bool,
    shared: SharedCaps,
    takes_advertised: bool,
    recent: BTreeMap<MarketId, Recent>,
}

impl Candidates {
    /// Builds the book of `now`.
    #[must_use]
    pub fn new(now: &Situation<'_>, settings: &AllocatorSettings) -> Candidates {
        Candidates::advised(now, settings, false)
    }

    /// As [`Candidates::new`]; markets without an index may be bought where `takes_advertised`.
    #[must_use]
    pub fn advised(
        now: &Situation<'_>,
        settings: &AllocatorSettings,
        takes_advertised: bool,
    ) -> Candidates {
        let enforcement = now.policy.enforcement;
        let is_strict = enforcement == Enforcement::Strict;
        let limits = Limits {
            line: (enforcement != Enforcement::Off).then_some(&now.policy.preference),
            is_strict,
            shared: now.shared_caps(),
            takes_advertised,
            recent: now.moved_within(settings.undo_days),
        };
        let stuck =
            limits.line.map_or(f64::INFINITY, |line| (1.0 - line.exit_24h_run.value()) * now.nav);
        let book = Book {
            choices: Vec::new(),
            wealth: now.nav,
            horizon: settings.horizon_days / YEAR_DAYS,
            group_caps: Vec::new(),
            stuck_cap: usable(Limit::Exit24hRun, settings.headroom) * stuck,
            entry_cap: settings.most_entered * now.nav,
        };
        let mut candidates = Candidates {
            markets: Vec::new(),
            standing: Vec::new(),
            groups: Vec::new(),
            book,
            shared: limits.shared,
            frozen: BTreeMap::new(),
            left_out: Vec::new(),
            swings: false,
            headroom: settings.headroom,
            line: LineCaps { groups: Vec::new(), stuck },
            kinds: settings.kinds,
        };
        for quote in now.view.quotes() {
            candidates.add(now, &limits, &quote);
        }
        candidates
    }

    fn add(&mut self, now: &Situation<'_>, limits: &Limits<'_>, quote: &Quote) {
        let held = now.held.get(&quote.market).copied().unwrap_or_default() * now.nav;
        let score = now.scores.of(&quote.market).filter(|score| score.sustainable_apr.is_some());
        let Some(score) = score else {
            if held > 0.0 {
                self.freeze(now, limits, quote, held);
            }
            self.left_out.push((quote.market.clone(), LeftOut::RateUnknown));
            return;
        };
        let is_kind = self.kinds.is_none_or(|kinds| kinds.contains(&score.kind));
        let doubt = score.doubt.map(LeftOut::Doubt);
        let kind = (!is_kind).then_some(LeftOut::Kind);
        let barred = kind.or_else(|| barred(now, limits, quote)).or(doubt);
        if let Some(reason) = barred {
            self.left_out.push((quote.market.clone(), reason));
            if held <= 0.0 {
                return;
            }
        }
        self.swings |= !score.kind.is_lending();
        let standing = standing(score, quote, held);
        let pooled = self.pooled(now, score, quote, held);
        let earns = earns(score, standing, pooled, held);
        let room =
            quote.entry_usd.zip(quote.price_usd).map_or(f64::INFINITY, |(usd, price)| usd / price);
        let run = RunScenario { leaving_first: now.leaving_first };
        let has_exit_limit = limits.line.is_some();
        let exits = run.exit_units(quote).filter(|_| has_exit_limit).unwrap_or(f64::INFINITY);
        let cost = 0.5 * now.costs.turnover;
        let recent = limits.recent.get(&quote.market).copied().unwrap_or_default();
        let choice = Choice {
            earns,
            held,
            charge: score.expected_loss,
            cap: if barred.is_some() { 0.0 } else { held + room },
            least: now.least_deposit(&quote.market),
            exits,
            entry_cost: cost + score.moving.0,
            exit_cost: cost + score.moving.1,
            fixed_cost: now.costs.gas_per_action.unwrap_or_default(),
            entered: recent.entered,
            left: recent.left,
            groups: self.groups_of(now, limits, quote),
        };
        self.markets.push(quote.market.clone());
        self.standing.push(standing);
        self.book.choices.push(choice);
    }

    /// A pool without us, in the vault's denomination, with the range that pays best at the size that we may have:
    /// there gas counts, and changing a range that is nearly as good costs more than it brings.
    fn pooled(
        &self,
        now: &Situation<'_>,
        score: &Score,
        quote: &Quote,
        held: f64,
    ) -> Option<Pooled> {
        let (pooled, price) = score.pooled.zip(quote.price_usd)?;
        let gas = now.costs.gas_per_action.unwrap_or_default();
        let others = (pooled.others / price - held * pooled.concentration()).max(0.0);
        let pooled = Pooled {
            fees: pooled.fees / price,
            rewards: pooled.rewards / price,
            others,
            recentre_gas: gas,
            // Rewards are collected about once a month.
            running: if pooled.rewards > 0.0 { 12.0 * gas } else { 0.0 },
            ..pooled
        };
        let shape =
            now.view.terms(&quote.market).and_then(|terms| terms.pool).map(|pool| pool.shape);
        let Some(shape @ PoolShape::Ranges { .. }) = shape else { return Some(pooled) };
        let ours = now.facts.get(&quote.market).and_then(|facts| facts.range);
        let deposit = held.max(PROBE * now.nav);
        let wanted = pooled.with_best_width(deposit, &shape.widths())?;
        let kept = ours.filter(|_| held > 0.0);
        let kept = kept.map(|range| Pooled { half_width: Some(range.half_width), ..pooled });
        Some(kept.filter(|kept| is_near(kept, &wanted, deposit)).unwrap_or(wanted))
    }

    /// Leaves what is held where it is, and less room for the others.
    fn freeze(&mut self, now: &Situation<'_>, limits: &Limits<'_>, quote: &Quote, held: f64) {
        for group in self.groups_of(now, limits, quote) {
            let caps = [self.book.group_caps.get_mut(group), self.line.groups.get_mut(group)];
            for cap in caps.into_iter().flatten() {
                *cap = (*cap - held).max(0.0);
            }
        }
        self.frozen.insert(quote.market.clone(), held);
        self.book.wealth -= held;
    }

    /// The groups of a market, made where they are new.
    fn groups_of(&mut self, now: &Situation<'_>, limits: &Limits<'_>, quote: &Quote) -> Vec<usize> {
        let groups = now.groups(&limits.shared, &quote.market);
        groups.into_iter().map(|(group, share)| self.group(group, share * now.nav)).collect()
    }

    fn group(&mut self, group: Group, cap: f64) -> usize {
        if let Some(place) = self.groups.iter().position(|known| *known == group) {
            return place;
        }
        self.groups.push(group);
        self.book.group_caps.push(usable(Limit::PerProtocol, self.headroom) * cap);
        self.line.groups.push(cap);
        self.groups.len() - 1
    }
}

/// Whether `kept` earns nearly what `wanted` would.
fn is_near(kept: &Pooled, wanted: &Pooled, deposit: f64) -> bool {
    let (kept, wanted) = (kept.income(deposit), wanted.income(deposit));
    wanted - kept <= WORTH_A_CHANGE * wanted.abs()
}

/// Why `quote` may not be bought, if it may not.
fn barred(now: &Situation<'_>, limits: &Limits<'_>, quote: &Quote) -> Option<LeftOut> {
    if quote.entry_usd.is_some_and(|room| room <= 0.0) {
        return Some(LeftOut::TakesNoDeposits);
    }
    if !(quote.is_open() || limits.takes_advertised && quote.is_advertised()) {
        return Some(LeftOut::NotOpen);
    }
    let line = limits.line?;
    let terms = now.view.terms(&quote.market);
    let depth = terms.and_then(|terms| terms.wrap_depth);
    if depth.map_or(limits.is_strict, |depth| depth > line.wrap_depth) {
        return Some(LeftOut::WrapDepth);
    }
    if limits.is_strict && terms.is_none_or(|terms| terms.issuer.is_none()) {
        return Some(LeftOut::IssuerUnknown);
    }
    let run = RunScenario { leaving_first: now.leaving_first };
    (limits.is_strict && run.exit_units(quote).is_none()).then_some(LeftOut::ExitUnknown)
}

/// The market without us, in the vault's denomination.
fn standing(score: &Score, quote: &Quote, held: f64) -> Option<Lending> {
    let (lending, price) = score.lending.zip(quote.price_usd)?;
    Some(Lending {
        supplied: (lending.supplied / price - held).max(0.0),
        borrowed: lending.borrowed / price,
        rewards: lending.rewards / price,
        ..lending
    })
}

/// What the market pays: by its curve at the level of the forecast where that is possible.
fn earns(score: &Score, standing: Option<Lending>, pooled: Option<Pooled>, held: f64) -> Earns {
    if let Some(pooled) = pooled {
        return Earns::Pooled(pooled);
    }
    let rate = score.sustainable_apr.unwrap_or_default();
    match standing {
        Some(market) => Earns::Curve(market.with_level(held, rate - market.reward_apr(held))),
        None => Earns::Flat(rate),
    }
}
