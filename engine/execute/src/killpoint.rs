//! Named places at which a test ends the process, as a power cut would.
//!
//! Compiled in only with the feature `faults`. `PLIMSOLL_KILL=name:n` ends the process with SIGKILL the n-th
//! time that it comes by `name`.

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
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Armed {
        name: String,
        left: AtomicU64,
    }

    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

    fn armed() -> Option<&'static Armed> {
        let read = || {
            let text = std::env::var("PLIMSOLL_KILL").ok()?;
            let (name, count) = text.rsplit_once(':')?;
            Some(Armed { name: name.to_owned(), left: AtomicU64::new(count.parse().ok()?) })
        };
        ARMED.get_or_init(read).as_ref()
    }

    /// Ends the process if this is the place, and the time.
    pub fn reached(name: &str) {
        let Some(armed) = armed().filter(|armed| armed.name == name) else { return };
        if armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let _ = rustix::process::kill_process(
                rustix::process::getpid(),
                rustix::process::Signal::KILL,
            );
        }
    }
}
