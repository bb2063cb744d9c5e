//! Many calls answered by one, so that everything is of one block.

use super::nodes::{NodeError, Nodes};
use alloy::primitives::{Address, B256, Bytes, address};
use alloy::sol;
use alloy::sol_types::SolCall;

/// Where Multicall3 is on nearly every chain.
pub const MULTICALL3: Address = address!("0xcA11bde05977b3631167028862bE2a173976CA11");

sol! {
    #[derive(Debug)]
    struct Call3 { address target; bool allowFailure; bytes callData; }
    struct Answer { bool success; bytes returnData; }
    function aggregate3(Call3[] calls) returns (Answer[] answers);
}

/// Calls that are asked together.
#[derive(Debug, Clone, Default)]
pub struct Multicall {
    calls: Vec<Call3>,
}

/// The answers, in the order of the calls.
#[derive(Debug, Clone, Default)]
pub struct Answers(Vec<Option<Bytes>>);

impl Multicall {
    /// Adds a call and returns its place among the answers.
    pub fn add<C: SolCall>(&mut self, target: Address, call: &C) -> usize {
        let call_data = call.abi_encode().into();
        self.calls.push(Call3 { target, allowFailure: true, callData: call_data });
        self.calls.len() - 1
    }

    /// Asks them all at the block of `hash`.
    ///
    /// # Errors
    /// [`NodeError`]; a call that reverts, or whose target has no code, is an answer and not an error.
    pub async fn ask(self, nodes: &Nodes, hash: B256) -> Result<Answers, NodeError> {
        if self.calls.is_empty() {
            return Ok(Answers::default());
        }
        let data = aggregate3Call { calls: self.calls }.abi_encode().into();
        let raw = nodes.call(MULTICALL3, &data, hash).await?;
        let answers = aggregate3Call::abi_decode_returns(&raw).unwrap_or_default();
        let each = answers.into_iter().map(|answer| answer.success.then_some(answer.returnData));
        Ok(Answers(each.collect()))
    }
}

impl Answers {
    /// The answer at `place`; `None` where the call reverted or answered something else.
    #[must_use]
    pub fn get<C: SolCall>(&self, place: usize) -> Option<C::Return> {
        let raw = self.0.get(place)?.as_ref()?;
        C::abi_decode_returns(raw).ok()
    }
}
