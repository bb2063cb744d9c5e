//! Named places at which a test ends the process, as a power cut would.
//!
//! Compiled in only with the feature `faults`. `PLIMSOLL_KILL=name:n` ends the process with SIGKILL the n-th
//! time that it comes by `name`. `PLIMSOLL_KILL_TRACE=file` writes the name of every place that it comes by
//! into `file`, a line each: from such a recording follows where it can be killed at all.

/// Ends the process here if a test asked for it; nothing at all without the feature `faults`.
#[macro_export]
macro_rules! killpoint {
    ($($name:tt)*) => {
        #[cfg(feature = "faults")]
        $crate::killpoint::reached(&format!($($name)*));
        #[cfg(not(feature = "faults"))]
        let _ = format_args!($($name)*);
    };
}

#[cfg(feature = "faults")]
pub use armed::reached;

#[cfg(feature = "faults")]
mod armed {
    use std::fs::OpenOptions;
    use std::io::Write;
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The signal that nothing can catch.
    const SIGKILL: i32 = 9;

    #[derive(Default)]
    struct Armed {
        place: Option<(String, AtomicU64)>,
        trace: Option<PathBuf>,
    }

    static ARMED: OnceLock<Armed> = OnceLock::new();

    fn read() -> Armed {
        let place = || {
            let text = std::env::var("PLIMSOLL_KILL").ok()?;
            let (name, count) = text.rsplit_once(':')?;
            Some((name.to_owned(), AtomicU64::new(count.parse().ok()?)))
        };
        Armed { place: place(), trace: std::env::var_os("PLIMSOLL_KILL_TRACE").map(PathBuf::from) }
    }

    /// Ends the process if this is the place, and the time.
    pub fn reached(name: &str) {
        let armed = ARMED.get_or_init(read);
        if let Some(trace) = &armed.trace
            && let Ok(mut file) = OpenOptions::new().create(true).append(true).open(trace)
        {
            // One write of a short line: what was written stands even where the next thing is the end.
            let _ = file.write_all(format!("{name}\n").as_bytes());
        }
        if let Some((place, left)) = &armed.place
            && place == name
            && left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            let _ = signal_hook::low_level::raise(SIGKILL);
        }
    }
}
