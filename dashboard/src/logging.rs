//! Structured logs on standard error, without secrets.
//!
//! Every line is written out first and then searched for what must not be shown, so that it does not matter
//! through which field, error or span a secret came.

use crate::secrets::Secrets;
use serde::Deserialize;
use std::io::{self, Write};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For people.
    #[default]
    Text,
}

/// Why logs cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A filter that cannot be understood.
    #[error("log filter {found:?} is not understood: {reason}; write `info` or `info,hyper=warn`")]
    Filter {
        /// The filter.
        found: String,
        /// What is wrong.
        reason: String,
    },
    /// Logs are written already.
    #[error("the process writes logs already")]
    Twice,
}

/// Writes the log of this process to standard error from now on.
///
/// # Errors
/// [`LogError`].
pub fn init(format: Format, filter: &str, secrets: Secrets) -> Result<(), LogError> {
    let subscriber = subscriber(format, filter, secrets, io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Twice)
}

/// Returns what writes logs to `writer`.
///
/// # Errors
/// [`LogError::Filter`].
pub fn subscriber<W>(
    format: Format,
    filter: &str,
    secrets: Secrets,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter).map_err(|error| LogError::Filter {
        found: filter.to_owned(),
        reason: error.to_string(),
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Redacting { secrets, writer });
    Ok(match format {
        Format::Json => Box::new(lines.json().flatten_event(true).finish()),
        Format::Text => Box::new(lines.finish()),
    })
}

/// A writer that cuts secrets out of each line.
struct Redacting<W> {
    secrets: Secrets,
    writer: W,
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Redacting<W> {
    type Writer = Line<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { secrets: self.secrets.clone(), held: Vec::new(), writer: self.writer.make_writer() }
    }
}

/// One line on its way: it is held until it is whole, so that no secret is written in two halves.
struct Line<W: Write> {
    secrets: Secrets,
    held: Vec<u8>,
    writer: W,
}

impl<W: Write> Line<W> {
    fn pass_on(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        let clean = self.secrets.cut(&held).unwrap_or(held);
        self.writer.write_all(&clean)?;
        self.writer.flush()
    }
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Drop for Line<W> {
    fn drop(&mut self) {
        // A log line may be lost; a process does not end for want of one.
        drop(self.pass_on());
    }
}
