//! Rare events: runs, losses, pauses, campaigns and changes of curves, on a calendar drawn in advance.
//!
//! Frequencies are assumptions, since no file records them; sizes are within what has been seen.

use super::draws::{Draws, Purpose};
use super::structure::fair_supply;
use plimsoll_core::curve::{Curve, Kinked};

/// Days of a year.
pub(super) const YEAR: f64 = 365.0;
/// Runs a year and market that no loss has set off.
const RUNS_A_YEAR: f64 = 0.12;
/// Losses a year and market.
const LOSSES_A_YEAR: f64 = 0.004;
/// Pauses of deposits a year and market.
const PAUSES_A_YEAR: f64 = 0.25;
/// Campaigns a year and market: about a third of the markets has one at some time of eight months.
const CAMPAIGNS_A_YEAR: f64 = 0.5;
/// Changes of a curve a year and market.
const CHANGES_A_YEAR: f64 = 0.4;

/// Rewards for all suppliers of a market together, for a time announced when it starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Campaign {
    /// What it pays, USD a year.
    pub usd_per_year: f64,
    /// The first day of the world on which it no longer pays.
    pub end_day: u32,
}

/// What governance does to a curve.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    below: f64,
    above: f64,
    kink: f64,
}

/// What one day brings to one market by chance. All of it is as things are in the evening.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Events {
    /// Fraction of the others who join those that want out, 0 on a usual day.
    pub(super) leaving: f64,
    /// Whether others are afraid: those who wait for their money go on waiting, nobody comes.
    pub(super) is_run: bool,
    /// Fraction of what is supplied that borrowers will never pay back.
    pub(super) loss: f64,
    /// Whether deposits are closed.
    pub(super) is_paused: bool,
    /// Rewards that are running.
    pub(super) campaign: Option<Campaign>,
    /// A change of the curve.
    pub(super) change: Option<Change>,
}

/// A market's calendar. Its first `quiet` days are before day 0 of the world.
pub(super) struct Calendar {
    pub(super) seed: u64,
    pub(super) market: u32,
    pub(super) days: usize,
    pub(super) quiet: u32,
}

impl Calendar {
    /// Draws all days; `size` is what others like to keep in the market, USD.
    pub(super) fn draw(&self, size: f64) -> Vec<Events> {
        let mut days = vec![Events::default(); self.days];
        self.draw_runs(&mut days);
        self.draw_losses(&mut days);
        self.draw_pauses(&mut days);
        self.draw_campaigns(&mut days, size);
        self.draw_changes(&mut days);
        days
    }

    fn draws(&self, purpose: Purpose) -> Draws {
        Draws::of_market(self.seed, purpose, self.market)
    }

    fn draw_runs(&self, days: &mut [Events]) {
        let mut draws = self.draws(Purpose::Runs);
        for day in 0..days.len() {
            if draws.happens(RUNS_A_YEAR / YEAR) {
                put_run(days, day, &mut draws);
            }
        }
    }

    /// A loss comes with a run that starts on its day or up to three days before: somebody knows.
    fn draw_losses(&self, days: &mut [Events]) {
        let mut draws = self.draws(Purpose::Losses);
        for day in 0..days.len() {
            if !draws.happens(LOSSES_A_YEAR / YEAR) {
                continue;
            }
            let (loss, lead) = (draws.log_between(0.01, 0.3), draws.whole(0, 3));
            if let Some(events) = days.get_mut(day) {
                events.loss = loss;
            }
            put_run(days, day.saturating_sub(count(lead)), &mut draws);
        }
    }

    fn draw_pauses(&self, days: &mut [Events]) {
        let mut draws = self.draws(Purpose::Pauses);
        for day in 0..days.len() {
            if draws.happens(PAUSES_A_YEAR / YEAR) {
                let length = count(draws.whole(2, 12));
                days.iter_mut().skip(day).take(length).for_each(|events| events.is_paused = true);
            }
        }
    }

    fn draw_campaigns(&self, days: &mut [Events], size: f64) {
        let mut draws = self.draws(Purpose::Campaigns);
        for (day, number) in (0..days.len()).zip(1u32..) {
            let is_running = days.get(day).is_none_or(|events| events.campaign.is_some());
            if !draws.happens(CAMPAIGNS_A_YEAR / YEAR) || is_running {
                continue;
            }
            let (length, apr) = (draws.whole(21, 90), draws.log_between(0.012, 0.055));
            let end_day = (number + length).saturating_sub(self.quiet);
            let campaign = Campaign { usd_per_year: apr * size, end_day };
            let running = days.iter_mut().skip(day).take(count(length));
            running.for_each(|events| events.campaign = Some(campaign));
        }
    }

    fn draw_changes(&self, days: &mut [Events]) {
        let mut draws = self.draws(Purpose::Governance);
        for events in days {
            let happens = draws.happens(CHANGES_A_YEAR / YEAR);
            let (below, above) = (draws.log_between(0.75, 1.33), draws.log_between(0.7, 1.4));
            let kink = draws.between(-0.03, 0.03);
            events.change = happens.then_some(Change { below, above, kink });
        }
    }
}

/// Between 20 and 60 % want out over 2 to 5 days; the fear lasts a while longer.
fn put_run(days: &mut [Events], start: usize, draws: &mut Draws) {
    let (part, length) = (draws.between(0.2, 0.6), draws.whole(2, 5));
    let fear = draws.whole(2, 10);
    let leaving = 1.0 - (1.0 - part).powf(1.0 / f64::from(length));
    for events in days.iter_mut().skip(start).take(count(length + fear)) {
        events.is_run = true;
    }
    for events in days.iter_mut().skip(start).take(count(length)) {
        events.leaving = leaving;
    }
}

fn count(days: u32) -> usize {
    usize::try_from(days).unwrap_or(usize::MAX)
}

impl Change {
    /// Returns `curve` after the change. Morpho's curve has no governor.
    pub(super) fn apply(&self, curve: Curve) -> Curve {
        match curve {
            Curve::Kinked(kinked) => Curve::Kinked(self.moved(&kinked)),
            Curve::Separate { borrow, supply } => {
                let share = supply.rate(1.0) / borrow.rate(1.0);
                let borrow = self.moved(&borrow);
                Curve::Separate { borrow, supply: fair_supply(&borrow, share) }
            }
            Curve::Adaptive { .. } => curve,
        }
    }

    fn moved(&self, kinked: &Kinked) -> Kinked {
        Kinked {
            base: kinked.base,
            slope_below: (kinked.slope_below * self.below).clamp(0.02, 0.1),
            slope_above: (kinked.slope_above * self.above).clamp(0.1, 1.0),
            kink: (kinked.kink + self.kink).clamp(0.75, 0.95),
        }
    }
}
