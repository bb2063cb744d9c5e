//! A value axis with round ticks.
//!
//! Whatever goes in, a position that comes out is a finite number within the axis.

use super::text;

/// Values beyond this size are not drawn: they are errors, and would flatten everything else.
const LARGEST: f64 = 1e9;

/// Returns whether a value can be put on a chart.
pub(super) fn is_drawable(value: f64) -> bool {
    value.is_finite() && value.abs() < LARGEST
}

/// A value axis from one round figure to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    /// Returns the axis that covers the drawable `values` with about `wanted` steps, or `None` where
    /// there is nothing to draw.
    pub(super) fn covering(values: impl Iterator<Item = f64>, wanted: f64) -> Option<Scale> {
        let (low, high) =
            values.filter(|value| is_drawable(*value)).fold(None, |range, value| match range {
                None => Some((value, value)),
                Some((low, high)) => Some((value.min(low), value.max(high))),
            })?;
        // A flat line needs some height around it, and a step far below the second decimal is noise.
        let span = (high - low).max(0.02);
        let step = round_step(span / wanted.max(1.0));
        let bottom = (low / step + 1e-9).floor() * step;
        let top = (high / step - 1e-9).ceil() * step;
        Some(Scale { low: bottom, high: top.max(bottom + step), step })
    }

    /// Returns the axis from `low` to `high` itself with at most `wanted` steps, or `None` where it has no length.
    pub(super) fn between(low: f64, high: f64, wanted: f64) -> Option<Scale> {
        let span = high - low;
        let is_axis = is_drawable(low) && is_drawable(high) && span > 0.0;
        is_axis.then(|| Scale { low, high, step: round_step(span / wanted.max(1.0)) })
    }

    /// Returns where `value` lies, 0 at the low end and 1 at the high end.
    pub(super) fn fraction(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Returns the ticks, low to high.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let steps = (self.high - self.low) / self.step + 1e-6;
        (0..=20_u8)
            .map(f64::from)
            .take_while(|step| *step <= steps)
            .map(|step| self.low + step * self.step)
            .collect()
    }

    /// Returns `tick` with the decimals that tell it from the next.
    pub(super) fn label(&self, tick: f64) -> String {
        text::fixed(tick, self.places()).unwrap_or_default()
    }

    fn places(&self) -> usize {
        let mut step = self.step;
        for places in 0..6 {
            if (step - step.round()).abs() < 1e-6 {
                return places;
            }
            step *= 10.0;
        }
        6
    }
}

/// Returns the smallest of 1, 2, 2.5, 5 and 10 times a power of ten that is at least `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0].into_iter().find(|factor| factor * power >= rough);
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(values: &[f64]) -> Vec<String> {
        let scale = Scale::covering(values.iter().copied(), 5.0).unwrap();
        scale.ticks().into_iter().map(|tick| scale.label(tick)).collect()
    }

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        assert_eq!(ticks(&[0.0, 4.3]), ["0", "1", "2", "3", "4", "5"]);
        assert_eq!(
            ticks(&[-0.42, 0.0]),
            ["\u{2212}0.5", "\u{2212}0.4", "\u{2212}0.3", "\u{2212}0.2", "\u{2212}0.1", "0.0"]
        );
        assert_eq!(ticks(&[0.0, 1.2]), ["0.00", "0.25", "0.50", "0.75", "1.00", "1.25"]);
    }

    #[test]
    fn a_flat_line_has_an_axis_too() {
        let scale = Scale::covering([3.0, 3.0].into_iter(), 5.0).unwrap();
        assert!(scale.ticks().len() >= 2);
        assert!((0.0..=1.0).contains(&scale.fraction(3.0)));
    }

    #[test]
    fn an_axis_between_two_days_ends_at_the_second_and_has_no_tick_beyond() {
        let scale = Scale::between(0.0, 66.0, 5.0).unwrap();
        assert_eq!(scale.ticks().last().copied(), Some(60.0));
        assert!((scale.fraction(66.0) - 1.0).abs() < 1e-12);
        assert!(scale.fraction(60.0) < 0.95);
        assert!(Scale::between(3.0, 3.0, 5.0).is_none());
    }

    #[test]
    fn what_cannot_be_drawn_makes_no_axis() {
        assert!(Scale::covering([f64::NAN, f64::INFINITY, 1e300].into_iter(), 5.0).is_none());
        assert!(Scale::covering(std::iter::empty(), 5.0).is_none());
    }
}
