//! The engine live: the demo, and the process that runs it.

mod books;
mod demo;
mod events;
mod faults;
mod lines;
mod process;
mod seeds;
mod told;
mod worlds;
