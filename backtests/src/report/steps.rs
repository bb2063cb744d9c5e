//! The geometry of one band of a stack: its steps, its outline, and where a number fits on it.

use super::chart::{self, Axes};
use std::fmt::Write as _;

/// Smallest height of a band that carries its number, pixels.
const ROOM_HIGH: f64 = 17.0;
/// Smallest width of a band that carries its number, units of the drawing.
const ROOM_WIDE: f64 = 26.0;

/// One step of a band: from where to where, and its upper and lower edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    from: f64,
    to: f64,
    top: f64,
    bottom: f64,
}

/// Returns the steps of a band of `weights` that lies on `below` (both percent), which it raises.
pub(super) fn upon(
    axes: &Axes<'_>,
    edges: &[(f64, f64)],
    weights: impl Iterator<Item = f64>,
    below: &mut [f64],
) -> Vec<Step> {
    edges
        .iter()
        .zip(weights)
        .zip(below)
        .map(|(((from, to), weight), below)| {
            let bottom = axes.y(*below);
            *below += weight;
            Step { from: *from, to: *to, top: axes.y(*below), bottom }
        })
        .collect()
}

/// Returns the outline of a band: along its upper edge and back along its lower edge.
pub(super) fn outline(steps: &[Step]) -> String {
    let Some(first) = steps.first() else {
        return String::new();
    };
    let mut path = format!("M{} {}", chart::px(first.from), chart::px(first.bottom));
    let forth = steps.iter().map(|step| (step.top, step.to));
    let back = steps.iter().rev().map(|step| (step.bottom, step.from));
    let mut corners = forth.chain(back).map(|(y, x)| (chart::px(y), chart::px(x))).peekable();
    while let Some((y, x)) = corners.next() {
        // A level stretch needs one corner only. Writing to a string cannot fail.
        if corners.peek().is_none_or(|(next, _)| *next != y) {
            let _ = write!(path, "V{y}H{x}");
        }
    }
    path.push('Z');
    path
}

/// Returns the middle of the largest stretch on which the band has room for a number.
pub(super) fn room(steps: &[Step]) -> Option<(f64, f64)> {
    let mut best: Option<Step> = None;
    let mut run: Option<Step> = None;
    for step in steps {
        let joined = run.map_or(*step, |run| Step {
            from: run.from,
            to: step.to,
            top: run.top.max(step.top),
            bottom: run.bottom.min(step.bottom),
        });
        run = [joined, *step].into_iter().find(|run| run.bottom - run.top >= ROOM_HIGH);
        best = [best, run].into_iter().flatten().max_by(|a, b| area(a).total_cmp(&area(b)));
    }
    let best = best.filter(|best| best.to - best.from >= ROOM_WIDE)?;
    Some((f64::midpoint(best.from, best.to), f64::midpoint(best.top, best.bottom)))
}

fn area(step: &Step) -> f64 {
    (step.to - step.from) * (step.bottom - step.top)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: f64, to: f64, top: f64) -> Step {
        Step { from, to, top, bottom: 100.0 }
    }

    #[test]
    fn a_level_stretch_is_one_corner() {
        let steps = [step(0.0, 10.0, 40.0), step(10.0, 20.0, 40.0), step(20.0, 30.0, 60.0)];
        assert_eq!(outline(&steps), "M0 100V40H20V60H30V100H0Z");
    }

    #[test]
    fn a_number_sits_where_the_band_is_largest() {
        let steps = [step(0.0, 30.0, 20.0), step(30.0, 40.0, 95.0), step(40.0, 100.0, 60.0)];
        assert_eq!(room(&steps), Some((70.0, 80.0)));
        assert_eq!(room(&[step(0.0, 100.0, 95.0)]), None);
    }
}
