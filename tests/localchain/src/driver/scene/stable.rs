//! A stable pool of two tokens in plain numbers: how much to sell until its price is another.
//!
//! Balances are in whole units times rates. Exactness is not asked for: what people trade is theirs to choose, and what a
//! trade brings the contract says.

/// The pool's curve: Ann (x + y) + D = Ann D + D^3 / (4 x y), with Ann twice Balancer's amplification.
#[derive(Debug, Clone, Copy)]
pub(super) struct Curve {
    ann: f64,
    invariant: f64,
}

/// Halvings of a search.
const HALVINGS: usize = 80;

impl Curve {
    /// The curve on which these balances are.
    pub(super) fn through((x, y): (f64, f64), amplification: f64) -> Curve {
        let ann = 2.0 * amplification;
        let over = |d: f64| ann * d + d.powi(3) / (4.0 * x * y) > ann * (x + y) + d;
        let invariant = search((0.0, x + y), over);
        Curve { ann, invariant }
    }

    /// What both balances come to where they are alike; it grows with fees alone.
    pub(super) fn invariant(&self) -> f64 {
        self.invariant
    }

    /// The other balance.
    pub(super) fn other(&self, x: f64) -> f64 {
        let d = self.invariant;
        let b = x + d / self.ann - d;
        let c = d.powi(3) / (4.0 * x * self.ann);
        let root = (b * b + 4.0 * c).sqrt();
        if b > 0.0 { 2.0 * c / (b + root) } else { (root - b) / 2.0 }
    }

    /// What a little more of the token that there is `x` of brings of the other, without the fee.
    pub(super) fn price(&self, x: f64) -> f64 {
        let y = self.other(x);
        let curved = self.invariant.powi(3) / (4.0 * x * y);
        (self.ann + curved / x) / (self.ann + curved / y)
    }

    /// How much to sell, fee and all, of the token that there is `x` of, until a little more would bring no more than
    /// `price`; zero when it already does not.
    pub(super) fn sold_down_to(&self, x: f64, price: f64, fee: f64) -> f64 {
        let enough = |x: f64| self.price(x) * (1.0 - fee) <= price;
        if enough(x) { 0.0 } else { (search((x, self.invariant * 10.0), enough) - x) / (1.0 - fee) }
    }
}

/// The least number within bounds for which `holds`, which holds for all greater ones.
fn search((mut low, mut high): (f64, f64), holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balanced_pool_is_at_par_and_its_invariant_is_the_sum() {
        let curve = Curve::through((500.0, 500.0), 50.0);
        assert!((curve.invariant - 1_000.0).abs() < 1e-9, "{curve:?}");
        assert!((curve.price(500.0) - 1.0).abs() < 1e-12);
        assert!((curve.other(500.0) - 500.0).abs() < 1e-9);
    }

    #[test]
    fn selling_moves_the_price_to_where_it_was_wanted() {
        let curve = Curve::through((500.0, 500.0), 50.0);
        let sold = curve.sold_down_to(500.0, 0.93, 0.0);
        assert!((curve.price(500.0 + sold) - 0.93).abs() < 1e-9, "{sold}");
        assert!(curve.sold_down_to(500.0, 1.001, 0.0) == 0.0);
        let with_fee = curve.sold_down_to(500.0, 0.93, 0.01);
        assert!((curve.price(500.0 + with_fee * 0.99) * 0.99 - 0.93).abs() < 1e-9, "{with_fee}");
    }
}
