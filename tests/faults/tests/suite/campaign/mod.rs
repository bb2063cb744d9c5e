//! The engine as a process, through the faults of the matrix.

mod kills;
mod stage;
