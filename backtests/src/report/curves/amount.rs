//! Amounts as a person reads them: whole and grouped, or short with the size in which they are counted.

use crate::report::text;

/// Whole units, grouped, or `None` where it is no amount.
pub(super) fn grouped(amount: f64) -> Option<String> {
    text::whole(amount).filter(|_| is_amount(amount))
}

pub(super) fn is_amount(amount: f64) -> bool {
    amount.is_finite() && (0.0..1e15).contains(&amount)
}

/// Returns the size in which amounts up to `most` are counted, and its name.
pub(super) fn counted_in(most: f64) -> (f64, &'static str) {
    let sizes = [(1e9, "billion "), (1e6, "million "), (1e3, "thousand ")];
    sizes.into_iter().find(|(size, _)| most >= *size).unwrap_or((1.0, ""))
}

/// An amount such as "42.10 million USD".
pub(super) fn amount(amount: f64, unit: &str) -> Option<String> {
    let (size, name) = counted_in(amount.abs());
    Some(format!("{}\u{a0}{name}{unit}", text::fixed(amount / size, 2)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short_and_name_their_size() {
        let said = |value| amount(value, "USD").map(|words| words.replace('\u{a0}', " "));
        assert_eq!(said(42_100_000.0).as_deref(), Some("42.10 million USD"));
        assert_eq!(said(999.0).as_deref(), Some("999.00 USD"));
        assert_eq!(said(-2.5e9).as_deref(), Some("\u{2212}2.50 billion USD"));
        assert_eq!(said(f64::NAN), None);
        assert_eq!(grouped(12_345_678.4).as_deref(), Some("12,345,678"));
        assert_eq!(grouped(-1.0), None);
    }
}
