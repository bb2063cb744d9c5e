//! One engine, as a process: started, listened to, killed.

use crate::clock::Stopwatch;
use crate::engine::Said;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use tokio::sync::mpsc;

/// How an engine is started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
    /// Where what it says on its standard error goes, behind what is there.
    pub log: PathBuf,
    /// The largest file that it may write, in kibibytes: a disk that is full.
    pub disk_kib: Option<u64>,
}

/// A running engine. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    said: mpsc::UnboundedReceiver<Said>,
    started: Stopwatch,
}

/// What came next from an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It said something.
    Said(Said),
    /// It ended.
    Ended(End),
    /// Nothing, in the time that it had.
    Nothing,
}

/// How an engine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By a signal.
    Signal(i32),
    /// By itself.
    Code(i32),
}

impl End {
    /// The signal of `kill -9`.
    pub const KILLED: End = End::Signal(9);

    fn of(status: ExitStatus) -> End {
        match status.signal() {
            Some(signal) => End::Signal(signal),
            None => End::Code(status.code().unwrap_or_default()),
        }
    }
}

impl Process {
    /// Starts one.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn start(launch: &Launch) -> std::io::Result<Process> {
        let log = File::options().create(true).append(true).open(&launch.log)?;
        let mut command = match launch.disk_kib {
            None => {
                let mut command = Command::new(&launch.program);
                command.args(&launch.arguments);
                command
            }
            // A write beyond the limit fails; the signal that would come with it is ignored.
            Some(kib) => {
                let mut command = Command::new("bash");
                let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$@\"");
                command.args(["-c", &script, "limited"]).arg(&launch.program);
                command.args(&launch.arguments);
                command
            }
        };
        let mut child = command
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let started = Stopwatch::start();
        let (say, said) = mpsc::unbounded_channel();
        if let Some(out) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    if let Ok(said) = serde_json::from_str(&line)
                        && say.send(said).is_err()
                    {
                        return;
                    }
                }
            });
        }
        Ok(Process { child, said, started })
    }

    /// The time since it was started.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns what comes next; nothing after `within`.
    ///
    /// # Errors
    /// Whatever the system says.
    pub async fn hear(&mut self, within: Duration) -> std::io::Result<Heard> {
        match tokio::time::timeout(within, self.said.recv()).await {
            Err(_) => Ok(Heard::Nothing),
            Ok(Some(said)) => Ok(Heard::Said(said)),
            Ok(None) => Ok(Heard::Ended(self.ended()?)),
        }
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn kill(&mut self) -> std::io::Result<End> {
        self.child.kill()?;
        self.ended()
    }

    /// Ends its input, upon which it stops in good order.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn stop(&mut self) -> std::io::Result<End> {
        drop(self.child.stdin.take());
        self.ended()
    }

    fn ended(&mut self) -> std::io::Result<End> {
        Ok(End::of(self.child.wait()?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
