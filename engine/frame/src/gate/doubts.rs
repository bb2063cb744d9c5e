//! Doubts about a rate, from the row and from what came before it.

use super::GateSettings;
use super::memory::{Memory, YEAR_DAYS, are_same, is_one, is_same, median, rates_of};
use crate::quality::Defect;
use crate::row::Observation;
use crate::schema::Column;

/// The upper end of the range in which a rate is taken for percent.
const SLIP_TO: f64 = 200.0;

/// A rate that cannot be what the market pays: a zero without cause, percent read as a fraction, or
/// more than anything confirms.
pub(super) fn rate(
    settings: &GateSettings,
    observation: &Observation,
    before: &Memory,
    apr: f64,
) -> Option<(Defect, String)> {
    let row = &observation.row;
    let index = row.get(Column::SharePrice);
    if apr <= 0.0 {
        let dead = match index {
            Some(index) => {
                is_one(index)
                    && observation.borrowable == Some(true)
                    && observation.borrow_apr.is_none_or(|borrow| borrow <= 0.0)
            }
            None => true,
        };
        return dead.then(|| (Defect::ZeroRate, "missing is not zero".to_owned()));
    }
    let slip = settings.slip_from..=SLIP_TO;
    if let Some((promised, grown)) = before.promised_and_grown(row, resolution(observation))
        && slip.contains(&(promised / grown))
    {
        let detail = format!(
            "{:.2} % promised, {:.2} % grown by the index: percent read as a fraction?",
            promised * 100.0,
            grown * 100.0
        );
        return Some((Defect::UnitSlip, detail));
    }
    let usual = median(&before.past);
    if let Some(usual) = usual.filter(|usual| apr > 0.5 && slip.contains(&(apr / usual))) {
        let detail = format!(
            "{:.0} % after a usual {:.2} %: percent read as a fraction?",
            apr * 100.0,
            usual * 100.0
        );
        return Some((Defect::UnitSlip, detail));
    }
    let ceiling =
        if index.is_some() { settings.confirm_above_apr } else { settings.believe_below_apr };
    let confirmed = before.last_growth(row).is_some_and(|grown| grown > apr / 4.0);
    (apr > ceiling && !confirmed)
        .then(|| (Defect::ImplausibleRate, format!("{:.0} % that no index confirms", apr * 100.0)))
}

/// A feed that stands still while its rate says that it should move.
pub(super) fn frozen(
    settings: &GateSettings,
    observation: &Observation,
    before: &Memory,
    apr: f64,
) -> Option<(Defect, String)> {
    let row = &observation.row;
    match row.get(Column::SharePrice) {
        Some(index) => {
            let still = before.share_price.is_some_and(|was| is_same(was, index));
            let days = row.time.days_since(before.moved);
            let visible = 5.0 * resolution(observation);
            let due = apr * days / YEAR_DAYS * index;
            (still && days >= settings.frozen_after_days && due >= visible).then(|| {
                (
                    Defect::FrozenFeed,
                    format!("index {index} unchanged for {days:.0} days at {:.2} %", apr * 100.0),
                )
            })
        }
        None => {
            let still = are_same(&rates_of(row), &before.rates);
            let days = row.time.days_since(before.stirred);
            (still && apr > 0.0 && days >= settings.frozen_rates_after_days)
                .then(|| (Defect::FrozenFeed, format!("no number has changed for {days:.0} days")))
        }
    }
}

/// The smallest step in which the source records the index.
fn resolution(observation: &Observation) -> f64 {
    10f64.powi(-i32::from(observation.index_decimals.unwrap_or(12)))
}
