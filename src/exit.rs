//! What went wrong decides the exit code.

use plimsoll_backtests::tables::WriteError;
use std::fmt;
use std::process::ExitCode;

/// A kind of failure, attached to an error as its context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Wrong words on the command line.
    Usage = 2,
    /// Data that cannot be used.
    Data = 3,
    /// Settings that cannot be used.
    Settings = 4,
    /// Results that cannot be written.
    Output = 5,
    /// `doctor` found something.
    Doctor = 6,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Usage => "command line",
            Kind::Data => "data",
            Kind::Settings => "settings",
            Kind::Output => "output",
            Kind::Doctor => "doctor",
        })
    }
}

/// The exit code of an error: that of its kind, 1 without one.
pub(crate) fn code(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<WriteError>().is_some() {
        return ExitCode::from(Kind::Output as u8);
    }
    error.downcast_ref::<Kind>().map_or(ExitCode::FAILURE, |kind| ExitCode::from(*kind as u8))
}
