//! Figures as a person reads them: two decimals, a real minus sign, and "unknown" where there is none.
//!
//! Nothing here turns a missing figure into a zero.

use maud::{Markup, html};

/// Above this size a figure is written with an exponent, so that a column keeps its width.
const LONGEST: f64 = 1e12;

/// Returns `value` with `places` decimals, or `None` where it is not a number.
pub(super) fn fixed(value: f64, places: usize) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    let size = value.abs();
    let digits = if size < LONGEST { format!("{size:.places$}") } else { format!("{size:.2e}") };
    let is_zero = digits.chars().all(|sign| matches!(sign, '0' | '.'));
    Some(if value < 0.0 && !is_zero { format!("\u{2212}{digits}") } else { digits })
}

/// Returns `value` with two decimals and its sign, or `None` where it is not a number; zero has no sign.
pub(super) fn signed(value: f64) -> Option<String> {
    let plus = if value >= 0.005 { "+" } else { "" };
    fixed(value, 2).map(|digits| format!("{plus}{digits}"))
}

/// Returns the digits, or "unknown".
pub(super) fn known(digits: Option<String>) -> String {
    digits.unwrap_or_else(|| "unknown".to_owned())
}

/// Returns a percentage with its sign, such as "+4.12 %"; zero has none.
pub(super) fn signed_percent(value: f64) -> String {
    known(signed(value).map(|digits| digits + "\u{a0}%"))
}

/// Returns a percentage such as "4.12 %", or "unknown".
pub(super) fn percent(value: f64) -> String {
    known(fixed(value, 2).map(|digits| digits + "\u{a0}%"))
}

/// Returns `amount` in whole units, grouped, or `None` where it is negative or not a number.
pub(super) fn whole(amount: f64) -> Option<String> {
    format!("{amount:.0}").parse().ok().map(grouped)
}

/// Returns a count with a comma between groups of three digits.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns the length of a list as a count.
pub(super) fn length<T>(list: &[T]) -> u64 {
    count(list.len())
}

/// Returns a number of items as a count.
pub(super) fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

/// Returns "1 move" or "3 moves": a count with its noun.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{}\u{a0}{}", grouped(count), if count == 1 { one } else { many })
}

/// The word "unknown", and why.
pub(super) fn unknown(why: &str) -> Markup {
    html! { abbr.unknown title=(why) { "unknown" } }
}

/// The words, or "unknown" and why.
pub(super) fn or_unknown(words: Option<String>, why: &str) -> Markup {
    words.map_or_else(|| unknown(why), |words| html! { (words) })
}

/// A right-aligned table cell with these digits, or "unknown" and why.
pub(super) fn digits_cell(digits: Option<String>, why: &str) -> Markup {
    html! { td.n { (or_unknown(digits, why)) } }
}

/// A right-aligned table cell with a figure of two decimals, or "unknown" and why.
pub(super) fn cell(value: Option<f64>, why: &str) -> Markup {
    digits_cell(value.and_then(|value| fixed(value, 2)), why)
}

/// A list of names and values, set as compact pairs.
pub(super) fn pairs(pairs: &[(String, String)]) -> Markup {
    html! {
        dl.pairs {
            @for (name, value) in pairs {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_two_decimals_and_never_a_negative_zero() {
        assert_eq!(fixed(-1.239, 2).as_deref(), Some("\u{2212}1.24"));
        assert_eq!(fixed(-0.001, 2).as_deref(), Some("0.00"));
        assert_eq!(signed_percent(4.1), "+4.10\u{a0}%");
        assert_eq!(signed_percent(0.0), "0.00\u{a0}%");
    }

    #[test]
    fn what_is_not_a_number_is_unknown() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(fixed(bad, 2), None);
            assert_eq!(percent(bad), "unknown");
            assert!(cell(Some(bad), "why").into_string().contains("title=\"why\""));
        }
    }

    #[test]
    fn counts_are_grouped_in_threes() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(12_345_678), "12,345,678");
        assert_eq!(counted(1, "move", "moves"), "1\u{a0}move");
    }
}
