//! What the page of a world's days shows.

/// Everything that the page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct CoursePage {
    /// One line.
    pub title: String,
    /// What the reader must know before any figure.
    pub labels: Vec<String>,
    /// Its size in figures, such as "30 days".
    pub facts: Vec<String>,
    /// The last day drawn; the first is 0.
    pub days: f64,
    /// The day that every chart marks.
    pub mark: f64,
    /// What the mark is, such as "the depositors come".
    pub marked: String,
    /// One section for each kind of market.
    pub kinds: Vec<KindCourse>,
    /// How the rates moved, where the page is of that.
    pub moves: Option<RateMoves>,
    /// Remarks at the end.
    pub notes: Vec<String>,
}

/// All markets of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct KindCourse {
    /// A word that is unique in the page.
    pub id: &'static str,
    /// Its name.
    pub title: String,
    /// What its charts show, in a sentence or two.
    pub text: String,
    /// The markets.
    pub markets: Vec<MarketCourse>,
}

/// One market.
#[derive(Debug, Clone, PartialEq)]
pub struct MarketCourse {
    /// Its name.
    pub name: String,
    /// Its charts.
    pub charts: Vec<CourseChart>,
}

/// One chart over the days.
#[derive(Debug, Clone, PartialEq)]
pub struct CourseChart {
    /// What is drawn.
    pub title: String,
    /// What follows a figure, such as " %".
    pub suffix: &'static str,
    /// What the upright axis goes from and to; as far as the lines do where nothing is said.
    pub range: Option<(f64, f64)>,
    /// The lines; without any, or without a point, the chart says that there is nothing.
    pub lines: Vec<CourseLine>,
}

/// One line of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct CourseLine {
    /// Its name.
    pub name: String,
    /// Days since the first, and values in the chart's unit.
    pub points: Vec<(f64, f64)>,
}

/// How the rates of the world's lending markets moved, beside recorded ones.
#[derive(Debug, Clone, PartialEq)]
pub struct RateMoves {
    /// Market by market.
    pub world: Vec<(String, MoveFigures)>,
    /// What was recorded, or why it is not there.
    pub recorded: Result<RecordedMoves, String>,
}

/// Recorded rates, cut into windows as long as the world lasted.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedMoves {
    /// Where they come from.
    pub source: String,
    /// How many reserves, and how many windows of them.
    pub count: (usize, usize),
    /// The lower quartile of each figure, its median and its upper quartile, over all windows.
    pub quartiles: [MoveFigures; 3],
}

/// How a daily rate moved; unknown is `None`.
///
/// # Units
/// Percent and percentage points.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MoveFigures {
    /// Its mean.
    pub mean: Option<f64>,
    /// Its standard deviation.
    pub deviation: Option<f64>,
    /// The standard deviation of its changes from day to day.
    pub changes: Option<f64>,
    /// Its autocorrelation from day to day.
    pub next_day: Option<f64>,
}
