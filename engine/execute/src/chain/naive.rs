//! The control of the fault campaign: an engine that takes a missing receipt for a failure.
//!
//! With the feature `faults` and `PLIMSOLL_NAIVE_RESEND=1` the rule that the same bytes are sent again is off: the
//! call is signed afresh at the next free nonce, as bots do that keep no journal. The campaign has to find that.

use super::{Head, Intent, Seen, SendError, Sender, State, Unsigned};
use alloy::primitives::U64;
use serde_json::json;
use std::sync::OnceLock;

static WANTED: OnceLock<bool> = OnceLock::new();

fn is_wanted() -> bool {
    *WANTED.get_or_init(|| std::env::var("PLIMSOLL_NAIVE_RESEND").is_ok_and(|set| set == "1"))
}

impl Sender {
    /// Signs and sends the plan once more where its receipt is missing; whether it did.
    pub(super) async fn resent_afresh(
        &mut self,
        head: &Head,
        intent: &Intent,
        seen: &Seen,
    ) -> Result<bool, SendError> {
        let was_sent = self.memory.sent_at.is_some_and(|height| height < head.block.number);
        let is_missing = intent.state == State::Broadcast && seen.included.is_empty();
        let (true, Some(newest)) = (is_wanted() && was_sent && is_missing, intent.newest()) else {
            return Ok(false);
        };
        let asked = json!([self.signer.address(), "pending"]);
        let nonce: U64 = self.nodes.agreed("eth_getTransactionCount", asked).await?;
        let unsigned = Unsigned {
            chain: self.settings.chain.0,
            nonce: nonce.to(),
            to: intent.to,
            data: intent.data.clone(),
            gas: newest.gas,
            max_fee: newest.max_fee,
            priority_fee: newest.priority_fee,
        };
        let (_, raw) = self.signer.sign(&unsigned).await?;
        let _answers = self.nodes.send(&raw).await;
        self.memory.sent_at = Some(head.block.number);
        Ok(true)
    }
}
