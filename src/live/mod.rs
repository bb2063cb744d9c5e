//! Live engines: settings, assembly, and the commands that run and order them.

pub(crate) mod assemble;
pub(crate) mod drive;
mod history;
mod ledger;
mod positions;
mod record;
pub(crate) mod run;
pub(crate) mod settings;
mod show;
#[cfg(test)]
mod tests;
mod views;
