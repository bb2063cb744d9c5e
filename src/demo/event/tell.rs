//! What a person is told of an event.

use super::document::{Document, Vault};
use crate::output::say;

/// Says in words what came of it.
pub(crate) fn tell(document: &Document) {
    say(&format!("\n{} at block {}", document.event, document.blocks.event));
    for vault in &document.vaults {
        tell_vault(vault);
    }
}

fn tell_vault(vault: &Vault) {
    let Vault { name, nav, share_price, stuck, engine, stayer, .. } = vault;
    say(&format!(
        "\n{name}: NAV {} before, {} after it, {} at the end",
        nav.before, nav.after, nav.end
    ));
    say(&format!(
        "  a share {:.8} before, {:.8} after it, {:.8} at the end",
        share_price.before, share_price.after, share_price.end
    ));
    for (when, causes) in [("with it", &vault.event), ("later", &vault.later)] {
        for cause in causes {
            say(&format!(
                "  {when} {}: {} (income {}, rewards {}, fees {}, price {}, cost {}, impairment {})",
                cause.market,
                cause.total,
                cause.income,
                cause.rewards,
                cause.fees,
                cause.price,
                cause.cost,
                cause.impairment
            ));
        }
    }
    for leaver in &vault.leavers {
        say(&format!(
            "  {}: {:.8} a share, {:+.4} % against before{}",
            leaver.who,
            leaver.price,
            leaver.against_before_pct,
            if leaver.paid_by.is_some() { "" } else { "; still waits for a part" }
        ));
    }
    say(&format!(
        "  who stayed: {:.8} a share, {:+.4} % against before",
        stayer.price_at_end, stayer.against_before_pct
    ));
    say(&format!(
        "  could not leave: {} ({:.2} %) at most, at {} blocks",
        stuck.most,
        stuck.most_of_nav * 100.0,
        stuck.blocks
    ));
    let first =
        engine.first_move_after.map_or("none".to_owned(), |block| format!("{block} blocks after"));
    say(&format!(
        "  the engine: first move {first}, {} plans, {} moves, {} halts, {} trips",
        engine.plans,
        engine.moves.len(),
        engine.halts.len(),
        engine.trips.len()
    ));
    for moved in &engine.moves {
        say(&format!(
            "    +{}: {} {} {} -> {}: {}",
            moved.after,
            moved.leg.kind,
            moved.leg.amount,
            moved.leg.from,
            moved.leg.to,
            moved.leg.reason
        ));
    }
    for halt in engine.trips.iter().chain(&engine.halts) {
        say(&format!("    block {}: {}", halt.block, halt.what));
    }
    say(&format!("  {}", vault.freed.words()));
}
