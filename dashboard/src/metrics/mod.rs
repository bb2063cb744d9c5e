//! The metrics of the engine. Durations come in as arguments; nothing here reads a clock.
//!
//! Figures of the vault and its markets are set from what the driver publishes, events by the driver's calls.
//! No label holds an address of a node beyond its host and port.

mod figures;
mod register;
mod series;

use crate::secrets::Secrets;
use crate::view::{FateState, Health, Mode, Verdict};
use figures::Figures;
use plimsoll_core::execution::Purpose;
use plimsoll_core::{Amount, Time};
use prometheus::{
    Counter, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Registry,
    TextEncoder,
};
use register::{count, counter, counters, gauge, histogram, labelled, named, registered};
use series::Series;
use std::time::Duration;

pub(crate) use figures::Published;

/// Seconds in which work on a block is to be done: from a millisecond to a block and more.
const WORK_SECONDS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 12.0, 30.0];
/// Seconds between a block's timestamp and its arrival.
const AGE_SECONDS: [f64; 10] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 24.0, 60.0, 300.0];
/// Blocks that a reorganisation takes back.
const DEPTH_BLOCKS: [f64; 8] = [1.0, 2.0, 3.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// Everything that is counted and measured.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    secrets: Secrets,
    figures: Figures,
    ready: Series,
    head_block: Series,
    head_time: Series,
    head_age: Histogram,
    blocks: IntCounter,
    reorgs: IntCounter,
    reorg_depth: Histogram,
    decisions: IntCounterVec,
    plans: IntCounterVec,
    transactions: IntCounterVec,
    gas_units: IntCounter,
    gas_wei: Counter,
    node_errors: IntCounterVec,
    quorum_failures: IntCounter,
    to_decision: Histogram,
    to_broadcast: Histogram,
    adapter_read: HistogramVec,
    journal_lines: Series,
    books_block: Series,
    breaker: Series,
    mode: Series,
    requests: IntCounterVec,
    streams: Series,
    gaps: IntCounter,
}

impl Metrics {
    /// Registers every metric of an engine of `version` that started at `started`.
    ///
    /// # Errors
    /// Two metrics of one name: a mistake in this file.
    pub(crate) fn new(
        version: &str,
        started: Time,
        secrets: Secrets,
    ) -> Result<Metrics, prometheus::Error> {
        let registry = Registry::new();
        let on = &registry;
        let metrics = Metrics {
            figures: Figures::new(on)?,
            ready: gauge(on, "ready", "Whether the engine is ready (1) or not (0).")?,
            head_block: gauge(on, "head_block_number", "Newest block that enough nodes know.")?,
            head_time: gauge(on, "head_timestamp_seconds", "That block's time, Unix.")?,
            head_age: histogram(
                on,
                "head_arrival_age_seconds",
                "How old a block was, by its timestamp, when it arrived.",
                &AGE_SECONDS,
            )?,
            blocks: counter(on, "blocks_total", "Blocks that arrived.")?,
            reorgs: counter(on, "reorgs_total", "Reorganisations of the chain that were seen.")?,
            reorg_depth: histogram(
                on,
                "reorg_depth_blocks",
                "How many blocks a reorganisation took back.",
                &DEPTH_BLOCKS,
            )?,
            decisions: counters(on, "decisions_total", "Decisions by verdict.", &["verdict"])?,
            plans: counters(on, "plans_total", "Plans that ended, by how.", &["end"])?,
            transactions: counters(
                on,
                "transactions_total",
                "Transactions signed, by what for.",
                &["purpose"],
            )?,
            gas_units: counter(on, "gas_units_total", "Gas used by included transactions.")?,
            gas_wei: registered(
                on,
                Counter::with_opts(named("gas_paid_wei_total", "What the operator paid for it."))?,
            )?,
            node_errors: counters(
                on,
                "node_errors_total",
                "Answers of nodes that could not be used, by host and port and kind.",
                &["endpoint", "kind"],
            )?,
            quorum_failures: counter(
                on,
                "quorum_failures_total",
                "Questions on which too few nodes agreed.",
            )?,
            to_decision: histogram(
                on,
                "head_to_decision_seconds",
                "From the arrival of a block to the decision on it.",
                &WORK_SECONDS,
            )?,
            to_broadcast: histogram(
                on,
                "head_to_broadcast_seconds",
                "From the arrival of a block to the first broadcast of its plan.",
                &WORK_SECONDS,
            )?,
            adapter_read: registered(
                on,
                HistogramVec::new(
                    HistogramOpts::from(named(
                        "adapter_read_seconds",
                        "Reading all markets of one protocol at one block.",
                    ))
                    .buckets(WORK_SECONDS.to_vec()),
                    &["adapter"],
                )?,
            )?,
            books_block: gauge(
                on,
                "books_block_number",
                "Newest block up to which it is known what positions brought.",
            )?,
            journal_lines: gauge(on, "journal_lines", "Lines of the journal.")?,
            breaker: gauge(on, "breaker_level", "Breaker: 0 normal, 1 exits only, 2 halted.")?,
            mode: labelled(on, "mode_info", "Whether the engine sends.", &["mode"])?,
            requests: counters(
                on,
                "http_requests_total",
                "Requests answered, by route and status.",
                &["route", "status"],
            )?,
            streams: gauge(on, "event_streams", "Clients that read the stream of events.")?,
            gaps: counter(
                on,
                "event_stream_gaps_total",
                "Times that a client was told to read missed events elsewhere.",
            )?,
            secrets,
            registry: registry.clone(),
        };
        metrics.begin(version, started)?;
        Ok(metrics)
    }

    /// Sets what is known from the start, and the counts of everything that can be counted to zero.
    fn begin(&self, version: &str, started: Time) -> Result<(), prometheus::Error> {
        let on = &self.registry;
        let start =
            gauge(on, "process_start_time_seconds", "When the engine started, Unix, seconds.")?;
        start.set(Some(seconds(started)));
        let build = labelled(on, "build_info", "The engine's version.", &["version"])?;
        build.replace([(vec![version.to_owned()], Some(1.0))]);
        for verdict in [Verdict::Moved, Verdict::Stayed, Verdict::Refused] {
            count(&self.decisions, &[verdict.name()], 0);
        }
        let ends = [
            FateState::Done,
            FateState::Reverted,
            FateState::Replaced,
            FateState::Abandoned,
            FateState::Frozen,
        ];
        for end in ends.iter().filter_map(|state| state.end()) {
            count(&self.plans, &[end], 0);
        }
        for purpose in ["call", "cancel"] {
            count(&self.transactions, &[purpose], 0);
        }
        self.streams.set(Some(0.0));
        self.ready.set(Some(0.0));
        Ok(())
    }

    /// Counts a block that arrived `age` after its timestamp.
    pub fn block(&self, age: Duration) {
        self.blocks.inc();
        self.head_age.observe(age.as_secs_f64());
    }

    /// Counts a reorganisation that took back `depth` blocks.
    pub fn reorg(&self, depth: u64) {
        self.reorgs.inc();
        self.reorg_depth.observe(as_float(depth));
    }

    /// Counts a transaction that was signed.
    pub fn transaction(&self, purpose: Purpose) {
        let purpose = match purpose {
            Purpose::Call => "call",
            Purpose::Cancel => "cancel",
        };
        count(&self.transactions, &[purpose], 1);
    }

    /// Counts the gas of an included transaction and what was paid for it, in wei.
    pub fn gas(&self, units: u64, paid_wei: Amount) {
        self.gas_units.inc_by(units);
        self.gas_wei.inc_by(paid_wei.to_f64(0));
    }

    /// Counts a plan that ended; one on its way counts for nothing.
    pub fn plan(&self, state: FateState) {
        if let Some(end) = state.end() {
            count(&self.plans, &[end], 1);
        }
    }

    /// Counts an answer of `endpoint` that could not be used. Of an address, host and port remain.
    ///
    /// `kind` is a word of the program: `timeout`, `refused`, `broken`, `wrong_chain`.
    pub fn node_error(&self, endpoint: &str, kind: &'static str) {
        count(&self.node_errors, &[&self.secrets.redact(&host_and_port(endpoint)), kind], 1);
    }

    /// Counts a question on which too few nodes agreed.
    pub fn quorum_failure(&self) {
        self.quorum_failures.inc();
    }

    /// Measures from a block's arrival to the decision on it.
    pub fn head_to_decision(&self, took: Duration) {
        self.to_decision.observe(took.as_secs_f64());
    }

    /// Measures from a block's arrival to the first broadcast of its plan.
    pub fn head_to_broadcast(&self, took: Duration) {
        self.to_broadcast.observe(took.as_secs_f64());
    }

    /// Measures the reading of `adapter`'s markets.
    pub fn adapter_read(&self, adapter: &str, took: Duration) {
        if let Ok(each) = self.adapter_read.get_metric_with_label_values(&[adapter]) {
            each.observe(took.as_secs_f64());
        }
    }

    /// Says up to which block it is known what positions brought.
    pub fn books(&self, block: u64) {
        self.books_block.set(Some(as_float(block)));
    }

    /// Counts a decision.
    pub(crate) fn decision(&self, verdict: Verdict) {
        count(&self.decisions, &[verdict.name()], 1);
    }

    /// Takes over the engine's health; `head_time` is the time of its newest block.
    pub(crate) fn health(&self, health: &Health) {
        let head = health.head.as_ref();
        self.head_block.set(head.map(|head| as_float(head.number)));
        self.head_time.set(head.map(|head| seconds(head.time.time())));
        self.journal_lines.set(Some(as_float(health.journal.lines)));
        self.breaker.set(Some(f64::from(health.breaker.level())));
        let of = |mode: Mode| {
            let is = if mode == health.mode { 1.0 } else { 0.0 };
            (vec![mode.name().to_owned()], Some(is))
        };
        self.mode.replace([of(Mode::Shadow), of(Mode::Live)]);
    }

    /// Counts an answered request; `route` is the route's pattern, never a client's words.
    pub(crate) fn request(&self, route: &str, status: u16) {
        count(&self.requests, &[route, &status.to_string()], 1);
    }

    /// Says how many clients read the stream.
    pub(crate) fn streams(&self, open: usize) {
        self.streams.set(Some(as_float(u64::try_from(open).unwrap_or(u64::MAX))));
    }

    /// Counts a gap that a client was told of.
    pub(crate) fn gap(&self) {
        self.gaps.inc();
    }

    /// Returns everything as Prometheus reads it; `ready` as of now, `figures` where they are fresh.
    pub(crate) fn text(
        &self,
        ready: bool,
        figures: &Published,
    ) -> Result<String, prometheus::Error> {
        self.ready.set(Some(if ready { 1.0 } else { 0.0 }));
        self.figures.show(figures);
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

/// The nearest `f64` to a count.
fn as_float(count: u64) -> f64 {
    count as f64
}

/// Unix seconds.
fn seconds(time: Time) -> f64 {
    time.0 as f64 / 1000.0
}

/// What of a node's address may be shown.
fn host_and_port(endpoint: &str) -> String {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_its_host_and_port_and_nothing_more() {
        for (address, shown) in [
            ("https://user:pass@node.example:8545/v3/KEY?token=KEY", "node.example:8545"),
            ("wss://node.example/KEY", "node.example"),
            ("node.example:8545", "node.example:8545"),
            ("http://[::1]:8545#KEY", "[::1]:8545"),
        ] {
            assert_eq!(host_and_port(address), shown);
        }
    }

    #[test]
    fn what_is_unknown_has_no_series() {
        let metrics = Metrics::new("1.0.0", Time(5_000), Secrets::default()).unwrap();
        let text = metrics.text(false, &Published::default()).unwrap();
        assert!(text.contains("plimsoll_process_start_time_seconds 5\n"), "{text}");
        assert!(text.contains("plimsoll_decisions_total{verdict=\"moved\"} 0\n"), "{text}");
        for unknown in ["head_block_number", "breaker_level", "vault_", "market_", "journal_"] {
            assert!(!text.contains(&format!("\nplimsoll_{unknown}")), "{unknown} in {text}");
        }
    }
}
