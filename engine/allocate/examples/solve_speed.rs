//! Times the optimiser on random books of 50 markets: `cargo run --release --example solve_speed`.

use plimsoll_allocate::optimise::{Book, Choice, Earns, Path, solve};
use std::time::Duration;

#[path = "../src/optimise/sample.rs"]
mod sample;

const MARKETS: usize = 50;
const BOOKS: usize = 200;

fn main() {
    let books = (0..).map(sample::random_book).filter(|book| book.choices.len() == MARKETS);
    let mut taken: Vec<(Duration, Path)> = books.take(BOOKS).map(|book| timed(&book)).collect();
    taken.sort();
    let at = |share: usize| {
        taken.get((taken.len() - 1) * share / 100).map_or(0.0, |(time, _)| time.as_secs_f64() * 1e3)
    };
    let fast = taken.iter().filter(|(_, path)| *path == Path::Fast).count();
    println!(
        "{BOOKS} books of {MARKETS} markets: median {:.1} ms, 90 % within {:.1} ms, 99 % within {:.1} ms, longest {:.1} ms; \
         the fast path proved {fast}",
        at(50),
        at(90),
        at(99),
        at(100)
    );
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn timed(book: &Book) -> (Duration, Path) {
    let start = std::time::Instant::now();
    let solution = solve(book);
    (start.elapsed(), solution.path)
}
