//! What the page of rate curves shows.

/// Everything that the page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvesPage {
    /// One line.
    pub title: String,
    /// What the reader must know before any figure.
    pub labels: Vec<String>,
    /// Remarks at the end.
    pub notes: Vec<String>,
    /// In what balances and deposits are counted, such as "USD".
    pub unit: String,
    /// One section for each.
    pub markets: Vec<CurveMarket>,
}

/// One market.
///
/// # Units
/// Balances in the page's unit; rates and utilization as fractions, rates per 365-day year.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveMarket {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What others supply.
    pub supplied: Option<f64>,
    /// What is borrowed.
    pub borrowed: Option<f64>,
    /// Borrowed over supplied.
    pub utilization: Option<f64>,
    /// What it pays now.
    pub advertised_apr: Option<f64>,
    /// Percent by which borrowing falls when the rate rises by one percent.
    pub elasticity: Option<f64>,
    /// How well the curve fits, where it was fitted.
    pub fit: Option<CurveFit>,
    /// Whether the curve is the contract's own.
    pub is_exact: bool,
    /// The curve: (utilization, rate), ascending.
    pub rates: Vec<(f64, f64)>,
    /// Observed pairs of the same.
    pub observed: Vec<(f64, f64)>,
    /// What our deposit would do, ascending deposits; empty where that is unknown.
    pub deposits: Vec<DepositPoint>,
    /// Deposits at which utilization crosses a kink.
    pub kinks: Vec<f64>,
}

/// How well a fitted curve fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurveFit {
    /// Root of the mean squared error, as a rate.
    pub error: f64,
    /// The largest error, as a rate.
    pub worst: f64,
    /// Pairs fitted on.
    pub pairs: usize,
    /// Lowest and highest utilization seen.
    pub seen: (f64, f64),
}

/// What one deposit of ours would do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DepositPoint {
    /// Our deposit.
    pub deposit: f64,
    /// The rate with the borrowers where they are.
    pub after_deposit_apr: f64,
    /// The rate once the borrowers have answered.
    pub sustainable_apr: f64,
    /// What the deposit earns a year at the sustainable rate, in the page's unit.
    pub income: f64,
    /// What the next unit of it earns a year, a fraction.
    pub marginal_income: f64,
}

impl CurveMarket {
    /// The fit, where the curve is not the contract's own.
    pub(super) fn shown_fit(&self) -> Option<&CurveFit> {
        self.fit.as_ref().filter(|_| !self.is_exact)
    }

    /// Where income is largest.
    pub(super) fn best(&self) -> Option<&DepositPoint> {
        let finite = self.deposits.iter().filter(|point| point.income.is_finite());
        // Of equal incomes the smallest deposit.
        finite.rev().max_by(|a, b| a.income.total_cmp(&b.income))
    }

    /// Whether more would earn more: then the largest income shown is no maximum.
    pub(super) fn still_rises(&self) -> bool {
        self.deposits.len() > 1 && self.deposits.last() == self.best()
    }
}
