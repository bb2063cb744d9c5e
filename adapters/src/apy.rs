//! From the yearly yield that sources advertise to the yearly rate that frames hold.

/// Returns the simple yearly rate whose daily compounding gives `apy_pct` percent; NaN below -100 %,
/// which the gate then withholds.
pub(crate) fn apr_from_apy_pct(apy_pct: f64) -> f64 {
    ((1.0 + apy_pct / 100.0).powf(1.0 / 365.0) - 1.0) * 365.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_apy_of_five_percent_is_an_apr_of_4_8793_percent() {
        // 365 (1.05^(1/365) - 1), by hand.
        assert!((apr_from_apy_pct(5.0) - 0.048_793_4).abs() < 1e-7);
        assert_eq!(apr_from_apy_pct(0.0).to_bits(), 0.0f64.to_bits());
        assert!(apr_from_apy_pct(-101.0).is_nan());
    }
}
