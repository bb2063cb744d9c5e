//! Fewer points for the same picture, and labels that keep their distance.

/// Returns at most `most` of the points (at least four), in order: the first, the last, and the
/// lowest and highest of each stretch between, so that no extreme is lost.
pub(super) fn keep_extremes(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    let (Some((first, rest)), true) = (points.split_first(), points.len() > most.max(4)) else {
        return points.to_vec();
    };
    let (last, middle) = rest.split_last().unwrap_or((first, rest));
    let stretch = middle.len().div_ceil((most.max(4) - 2) / 2);
    let mut kept = vec![*first];
    for points in middle.chunks(stretch) {
        let low = points.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
        let high = points.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
        let mut ends: Vec<_> = low.into_iter().chain(high).collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        ends.dedup();
        kept.extend(ends);
    }
    kept.push(*last);
    kept
}

/// Returns at most `most` items of a list, evenly spaced, always with the last.
pub(super) fn evenly<T: Copy>(items: &[T], most: usize) -> Vec<T> {
    let step = items.len().div_ceil(most.max(1)).max(1);
    // Counted from the end, so that the last is always there.
    let mut kept: Vec<T> = items.iter().rev().step_by(step).copied().collect();
    kept.reverse();
    kept
}

/// Returns for each wanted position one that is at least `gap` from every other, in the same order
/// from top to bottom, and within 0 and `height` as long as all of them fit.
pub(super) fn dodge(wanted: &[f64], gap: f64, height: f64) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = wanted.iter().copied().enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    let mut floor = f64::NEG_INFINITY;
    for (_, at) in &mut order {
        *at = at.max(gap / 2.0).max(floor);
        floor = *at + gap;
    }
    let mut ceiling = height - gap / 2.0;
    for (_, at) in order.iter_mut().rev() {
        *at = at.min(ceiling);
        ceiling = *at - gap;
    }
    order.sort_by_key(|(index, _)| *index);
    order.into_iter().map(|(_, at)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(length: u32) -> Vec<(f64, f64)> {
        (0..length).map(f64::from).map(|x| (x, (x / 7.0).sin())).collect()
    }

    #[test]
    fn thinning_keeps_the_ends_and_the_extremes() {
        let mut points = wave(3_650);
        points[1_234].1 = -9.0;
        points[2_345].1 = 9.0;
        let kept = keep_extremes(&points, 800);
        assert!(kept.len() <= 800, "{}", kept.len());
        for index in [0, 1_234, 2_345, 3_649] {
            assert!(kept.contains(&points[index]), "point {index} is kept");
        }
        assert!(kept.windows(2).all(|pair| pair[0].0 < pair[1].0), "the order of time is kept");
    }

    #[test]
    fn short_lists_are_left_alone() {
        assert_eq!(keep_extremes(&wave(10), 800), wave(10));
        assert!(keep_extremes(&[], 800).is_empty());
        assert_eq!(evenly(&[1, 2, 3], 400), [1, 2, 3]);
        assert_eq!(evenly(&[1, 2, 3, 4, 5], 3), [1, 3, 5]);
    }

    #[test]
    fn labels_keep_their_distance_and_stay_inside() {
        for wanted in [vec![5.0; 9], vec![300.0; 9], vec![0.0, 299.0, 150.0, 151.0, 152.0]] {
            let mut placed = dodge(&wanted, 18.0, 300.0);
            placed.sort_by(f64::total_cmp);
            assert!(placed.windows(2).all(|pair| pair[1] - pair[0] >= 18.0 - 1e-9), "{placed:?}");
            assert!(placed[0] >= 9.0 - 1e-9 && placed[placed.len() - 1] <= 291.0 + 1e-9);
        }
    }

    #[test]
    fn labels_that_do_not_collide_are_not_moved() {
        assert_eq!(dodge(&[100.0, 40.0], 18.0, 300.0), [100.0, 40.0]);
    }
}
