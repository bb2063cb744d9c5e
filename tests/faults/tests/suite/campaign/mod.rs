//! The engine as a process, through the faults of the matrix.

mod control;
mod kills;
mod machine;
mod matrix;
mod reorgs;
mod sockets;
mod stage;
