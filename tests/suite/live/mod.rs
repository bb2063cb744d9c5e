//! The engine live: the demo, and the process that runs it.

mod books;
mod demo;
mod faults;
mod process;
mod seeds;
mod worlds;
