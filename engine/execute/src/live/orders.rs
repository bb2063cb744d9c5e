//! Orders of a person to an engine that runs: small files beside its journal, taken up at the next head.
//!
//! Who may write into that folder may stop the engine; it needs no key, no port and no password.

use plimsoll_core::execution::{Breaker, Trip};
use std::fs;
use std::path::{Path, PathBuf};

/// What a person can order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Nothing is signed any more.
    Pause,
    /// Everything that can leaves, and nothing is brought in.
    Derisk,
    /// Everything that the policy allows.
    Resume,
}

impl Order {
    /// Every order.
    pub const ALL: [Order; 3] = [Order::Pause, Order::Derisk, Order::Resume];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Order::Pause => "pause",
            Order::Derisk => "derisk",
            Order::Resume => "resume",
        }
    }

    /// What the journal keeps of it.
    #[must_use]
    pub fn trip(self) -> Trip {
        match self {
            Order::Pause => Trip::Operator { to: Breaker::Halt },
            Order::Derisk => Trip::Leave,
            Order::Resume => Trip::Operator { to: Breaker::Normal },
        }
    }
}

/// The folder of orders.
#[derive(Debug, Clone)]
pub struct Orders(PathBuf);

impl Orders {
    /// The orders beside the journal in `folder`.
    #[must_use]
    pub fn at(folder: &Path) -> Orders {
        Orders(folder.join("orders"))
    }

    /// Leaves an order; a later one of the same kind changes nothing.
    ///
    /// # Errors
    /// Of the file system.
    pub fn leave(&self, order: Order) -> std::io::Result<()> {
        fs::create_dir_all(&self.0)?;
        fs::write(self.0.join(order.name()), b"")
    }

    /// Whether `order` still waits.
    #[must_use]
    pub fn waits(&self, order: Order) -> bool {
        self.0.join(order.name()).exists()
    }

    /// Takes every order that waits. Where several wait the most careful is the last, and stands.
    #[must_use]
    pub fn taken(&self) -> Vec<Trip> {
        let mut orders = [Order::Resume, Order::Derisk, Order::Pause].into_iter();
        let mut taken = Vec::new();
        for order in orders.by_ref() {
            if fs::remove_file(self.0.join(order.name())).is_ok() {
                taken.push(order.trip());
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_taken_once_and_the_most_careful_stands() {
        let folder = tempfile::tempdir().unwrap();
        let orders = Orders::at(folder.path());
        assert!(orders.taken().is_empty());
        for order in Order::ALL {
            orders.leave(order).unwrap();
        }
        let taken = orders.taken();
        assert_eq!(taken.last(), Some(&Order::Pause.trip()));
        assert_eq!(taken.len(), 3);
        assert!(orders.taken().is_empty() && !orders.waits(Order::Pause));
    }
}
