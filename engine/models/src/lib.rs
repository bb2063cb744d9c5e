//! Features, forecasts, scenarios and scores.
