//! Paused time beside real sockets.

use std::cell::Cell;
use std::sync::mpsc;

thread_local! {
    static LETS_TIME_RUN: Cell<bool> = const { Cell::new(false) };
}

/// Stops paused time from running on to the next timer until it is dropped: tokio leaves the clock
/// alone while a blocking task is there.
pub(super) struct Still {
    _until_dropped: mpsc::Sender<()>,
}

/// Holds the clock, unless the test has called [`let_paused_time_run`].
pub(super) fn hold_paused_time() -> Option<Still> {
    if LETS_TIME_RUN.get() {
        return None;
    }
    let (until_dropped, dropped) = mpsc::channel();
    tokio::task::spawn_blocking(move || dropped.recv());
    Some(Still { _until_dropped: until_dropped })
}

/// Lets paused time run while this thread waits for an answer, so that timeouts come at once.
pub(super) fn let_paused_time_run() {
    LETS_TIME_RUN.set(true);
}
