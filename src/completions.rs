//! `plimsoll completions`: a completion script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

/// Prints the script on standard output.
pub(crate) fn run(shell: Shell) {
    let mut command = crate::cli::Cli::command();
    clap_complete::generate(shell, &mut command, "plimsoll", &mut std::io::stdout());
}
