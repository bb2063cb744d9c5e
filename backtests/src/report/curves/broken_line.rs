//! A line through samples: its value between them, where it leaves the picture, and where it has kinks.

/// Returns the value of a broken line at `x`; `None` outside it.
pub(super) fn rate_at(line: &[(f64, f64)], x: f64) -> Option<f64> {
    line.windows(2).find_map(|pair| match pair {
        [a, b] if a.0 <= x && x <= b.0 && b.0 > a.0 => {
            Some(a.1 + (b.1 - a.1) * (x - a.0) / (b.0 - a.0))
        }
        _ => None,
    })
}

/// Returns the line up to where it first exceeds `top`, and whether anything was cut off.
pub(super) fn below(line: &[(f64, f64)], top: f64) -> (Vec<(f64, f64)>, bool) {
    let kept: Vec<_> =
        line.iter().copied().take_while(|point| point.1.is_nan() || point.1 <= top).collect();
    let Some((over, last)) = line.get(kept.len()).zip(kept.last().copied()) else {
        return (kept, false);
    };
    let share = (top - last.1) / (over.1 - last.1);
    let crossing = (last.0 + share * (over.0 - last.0), top);
    (kept.into_iter().chain([crossing]).collect(), true)
}

/// Returns where a sampled curve has its kinks: where its slope changes by far more than it does
/// elsewhere. A kink between two samples lies where the lines on both sides of it meet.
pub(super) fn bends(line: &[(f64, f64)]) -> Vec<f64> {
    let slope = |a: (f64, f64), b: (f64, f64)| (b.1 - a.1) / (b.0 - a.0);
    let slopes: Vec<f64> = line
        .windows(2)
        .filter_map(|pair| if let [a, b] = pair { Some(slope(*a, *b)) } else { None })
        .collect();
    let changes: Vec<f64> = slopes
        .windows(2)
        .filter_map(|pair| if let [a, b] = pair { Some((b - a).abs()) } else { None })
        .collect();
    if changes.iter().any(|change| !change.is_finite()) {
        return Vec::new();
    }
    let mut sorted = changes.clone();
    sorted.sort_by(f64::total_cmp);
    // A few corners tell no usual change: every one of them is a kink.
    let usual = sorted.get(sorted.len() / 2).copied().filter(|_| sorted.len() > 3);
    let usual = usual.unwrap_or_default();
    let all: f64 = changes.iter().sum();
    let is_bend = |change: f64| change > 8.0 * usual && change > 0.1 * all && change > 1e-9;
    let mut found = Vec::new();
    let mut place = 0;
    while let Some(change) = changes.get(place).copied() {
        let length = changes.iter().skip(place).take_while(|change| is_bend(**change)).count();
        if is_bend(change) {
            found.extend(meeting(line, place, length));
        }
        place += length.max(1);
    }
    found
}

/// Returns where the segments before and after `length` bends from point `place + 1` on meet.
fn meeting(line: &[(f64, f64)], place: usize, length: usize) -> Option<f64> {
    let [a, b] = line.get(place..place + 2)? else { return None };
    let [c, d] = line.get(place + length..place + length + 2)? else { return None };
    let (left, right) = ((b.1 - a.1) / (b.0 - a.0), (d.1 - c.1) / (d.0 - c.0));
    let x = (c.1 - right * c.0 - a.1 + left * a.0) / (left - right);
    x.is_finite().then(|| x.clamp(b.0, c.0.max(b.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kink_of_a_sampled_curve_is_found_between_its_samples() {
        let at = |kink: f64, count: u32, base: f64| {
            let rate =
                |used: f64| base * used + if used > kink { 5.0 * (used - kink) } else { 0.0 };
            let line: Vec<(f64, f64)> = (0..=count)
                .map(|step| 100.0 * f64::from(step) / f64::from(count))
                .map(|used| (used, rate(used)))
                .collect();
            bends(&line)
        };
        for kink in [80.0, 92.0, 91.3] {
            let found = at(kink, 50, 0.05);
            assert!(found.len() == 1 && (found[0] - kink).abs() < 0.01, "{kink}: {found:?}");
        }
        assert!(at(200.0, 50, 0.05).is_empty(), "a straight line has none");
        let smooth: Vec<(f64, f64)> =
            (0..=50).map(f64::from).map(|used| (used, used * used)).collect();
        assert!(bends(&smooth).is_empty(), "a smooth curve has none");
        assert_eq!(bends(&[(0.0, 0.0), (90.0, 4.0), (100.0, 60.0)]), [90.0], "three corners");
        assert!(bends(&[(1.0, 1.0), (1.0, 2.0), (f64::NAN, 3.0)]).is_empty());
    }

    #[test]
    fn a_line_is_cut_where_it_passes_the_top() {
        let (kept, cut) = below(&[(0.0, 0.0), (90.0, 4.0), (100.0, 64.0)], 10.0);
        assert!(cut);
        assert_eq!(kept, [(0.0, 0.0), (90.0, 4.0), (91.0, 10.0)]);
    }
}
