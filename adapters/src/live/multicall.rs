//! Many questions, one answer: everything about a protocol at one block, by one call that is pinned to the
//! block's hash.
//!
//! The first two questions of every batch are for the chain's id and the block's time, so that an answer
//! from another chain or another moment is an error and never a row.

use alloy::primitives::{Address, Bytes, U256, address};
use alloy::sol;
use alloy::sol_types::SolCall;
use plimsoll_core::ChainId;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::{AdapterError, At};
use std::marker::PhantomData;

/// Where Multicall3 is on nearly every chain.
pub const MULTICALL3: Address = address!("0xcA11bde05977b3631167028862bE2a173976CA11");

/// Questions that are asked at once; what is more goes into another call at the same block.
const PAGE: usize = 1_000;

sol! {
    interface IMulticall3 {
        struct Call3 { address target; bool allowFailure; bytes callData; }
        #[derive(Debug)]
        struct Result { bool success; bytes returnData; }
        function aggregate3(Call3[] calls) external payable returns (Result[] returnData);
        function getChainId() external view returns (uint256 chainid);
        function getCurrentBlockTimestamp() external view returns (uint256 timestamp);
    }
}

/// Questions in the making.
#[derive(Debug, Default)]
pub struct Batch {
    calls: Vec<(Address, Bytes)>,
}

/// The place of a question's answer.
#[derive(Debug)]
pub struct Slot<C> {
    place: usize,
    contract: Address,
    call: PhantomData<fn() -> C>,
}

impl<C> Clone for Slot<C> {
    fn clone(&self) -> Slot<C> {
        *self
    }
}

impl<C> Copy for Slot<C> {}

/// What was answered.
#[derive(Debug)]
pub struct Answers {
    found: Vec<IMulticall3::Result>,
    block: u64,
}

impl Batch {
    /// Returns a batch that asks for nothing but the chain and the time; an empty one is never sent.
    #[must_use]
    pub fn of_the_place() -> Batch {
        let mut batch = Batch::default();
        batch.ask(MULTICALL3, &IMulticall3::getChainIdCall {});
        batch
    }

    /// Adds a question; its answer will be at the place that is returned.
    pub fn ask<C: SolCall>(&mut self, contract: Address, call: &C) -> Slot<C> {
        self.calls.push((contract, call.abi_encode().into()));
        Slot { place: self.calls.len() - 1, contract, call: PhantomData }
    }

    /// Asks everything at the block, on behalf of `about`, whose markets are on `chain`.
    ///
    /// # Errors
    /// [`AdapterError`] where nothing was answered, or by another chain, or at another time.
    pub async fn send(
        self,
        nodes: &Nodes,
        at: &At,
        (about, chain): (&str, ChainId),
    ) -> Result<Answers, AdapterError> {
        let mut found = Vec::with_capacity(self.calls.len());
        for page in self.calls.chunks(PAGE) {
            let mut calls = vec![
                own(&IMulticall3::getChainIdCall {}),
                own(&IMulticall3::getCurrentBlockTimestampCall {}),
            ];
            calls.extend(page.iter().map(|(target, data)| call(*target, data.clone())));
            let mut answers = aggregate(nodes, at, about, calls).await?.into_iter();
            let id = number::<IMulticall3::getChainIdCall>(answers.next());
            let time = number::<IMulticall3::getCurrentBlockTimestampCall>(answers.next());
            check_place(at, (about, chain), id, time)?;
            found.extend(answers);
        }
        if found.len() == self.calls.len() {
            return Ok(Answers { found, block: at.block.number });
        }
        let detail = format!("{} answers to {} questions", found.len(), self.calls.len());
        Err(refused(at, about, detail))
    }
}

async fn aggregate(
    nodes: &Nodes,
    at: &At,
    about: &str,
    calls: Vec<IMulticall3::Call3>,
) -> Result<Vec<IMulticall3::Result>, AdapterError> {
    let data: Bytes = IMulticall3::aggregate3Call { calls }.abi_encode().into();
    let answer = nodes.call(MULTICALL3, &data, at.block.hash).await;
    let answer = answer.map_err(|source| AdapterError::Node {
        protocol: about.to_owned(),
        block: at.block.number,
        source: Box::new(source),
    })?;
    if answer.is_empty() {
        let (about, block) = (about.to_owned(), at.block.number);
        return Err(AdapterError::NoCode { about, contract: MULTICALL3, block });
    }
    IMulticall3::aggregate3Call::abi_decode_returns(&answer)
        .map_err(|error| refused(at, about, error.to_string()))
}

fn refused(at: &At, about: &str, detail: String) -> AdapterError {
    let (about, call) = (about.to_owned(), IMulticall3::aggregate3Call::SIGNATURE);
    AdapterError::Call { about, contract: MULTICALL3, block: at.block.number, call, detail }
}

fn call(target: Address, data: Bytes) -> IMulticall3::Call3 {
    IMulticall3::Call3 { target, allowFailure: true, callData: data }
}

fn own(question: &impl SolCall) -> IMulticall3::Call3 {
    call(MULTICALL3, question.abi_encode().into())
}

fn number<C: SolCall<Return = U256>>(answer: Option<IMulticall3::Result>) -> Option<U256> {
    C::abi_decode_returns(&answer.filter(|answer| answer.success)?.returnData).ok()
}

/// The chain's id and the block's time are the ones that were asked for.
fn check_place(
    at: &At,
    (about, chain): (&str, ChainId),
    id: Option<U256>,
    time: Option<U256>,
) -> Result<(), AdapterError> {
    if let Some(id) = id.filter(|id| *id != U256::from(chain.0)) {
        let (about, found) = (about.to_owned(), ChainId(id.saturating_to()));
        return Err(AdapterError::WrongChain { about, expected: chain, found });
    }
    match (id, time) {
        (Some(_), Some(time)) if time == U256::from(at.timestamp) => Ok(()),
        (_, time) => {
            let found = time.map_or("no time".to_owned(), |time| time.to_string());
            Err(refused(at, about, format!("answered at {found}, asked for {}", at.timestamp)))
        }
    }
}

impl Answers {
    /// Returns the answer at `slot`, for `about`.
    ///
    /// # Errors
    /// [`AdapterError::Call`] where the contract reverted, or answered in another form.
    pub fn get<C: SolCall>(&self, slot: Slot<C>, about: &str) -> Result<C::Return, AdapterError> {
        let data = self.raw(slot).map_err(|detail| self.failed(slot, about, detail))?;
        C::abi_decode_returns(data)
            .map_err(|error| self.failed(slot, about, format!("another form: {error}")))
    }

    /// Returns a name that a contract gives as a `string`, or as the older `bytes32`: at most 32 printable
    /// characters of it.
    ///
    /// # Errors
    /// As [`Answers::get`].
    pub fn text<C: SolCall<Return = String>>(
        &self,
        slot: Slot<C>,
        about: &str,
    ) -> Result<String, AdapterError> {
        let data = self.raw(slot).map_err(|detail| self.failed(slot, about, detail))?;
        let text = match C::abi_decode_returns(data) {
            Ok(text) => text,
            Err(_) if data.len() == 32 => {
                let bytes = data.iter().copied().take_while(|byte| *byte != 0).collect();
                String::from_utf8(bytes).unwrap_or_default()
            }
            Err(error) => {
                return Err(self.failed(slot, about, format!("another form: {error}")));
            }
        };
        let text: String = text.trim().chars().filter(|c| !c.is_control()).take(32).collect();
        if text.is_empty() {
            return Err(self.failed(slot, about, "an empty name".to_owned()));
        }
        Ok(text)
    }

    fn raw<C>(&self, slot: Slot<C>) -> Result<&Bytes, String> {
        match self.found.get(slot.place) {
            Some(answer) if answer.success && answer.returnData.is_empty() => {
                Err("no answer: there is no contract, or it has no such function".to_owned())
            }
            Some(answer) if answer.success => Ok(&answer.returnData),
            Some(answer) => Err(format!("reverts: {}", reason(&answer.returnData))),
            None => Err("not asked".to_owned()),
        }
    }

    fn failed<C: SolCall>(&self, slot: Slot<C>, about: &str, detail: String) -> AdapterError {
        let (about, block) = (about.to_owned(), self.block);
        AdapterError::Call { about, contract: slot.contract, block, call: C::SIGNATURE, detail }
    }
}

/// What a revert says, in words where it has some.
fn reason(data: &Bytes) -> String {
    let words = alloy::sol_types::decode_revert_reason(data);
    let said = words
        .unwrap_or_else(|| if data.is_empty() { "no reason".into() } else { data.to_string() });
    said.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{B256, hex};
    use plimsoll_core::execution::BlockRef;

    const AT: At = At { block: BlockRef { number: 7, hash: B256::ZERO }, timestamp: 100 };

    sol! {
        function symbol() returns (string);
        function amount() returns (uint256);
    }

    fn answered(success: bool, data: &[u8]) -> Answers {
        let answer = IMulticall3::Result { success, returnData: Bytes::copy_from_slice(data) };
        Answers { found: vec![answer], block: 7 }
    }

    fn slot<C: SolCall>(call: &C) -> Slot<C> {
        Batch::default().ask(Address::ZERO, call)
    }

    #[test]
    fn an_old_token_names_itself_in_bytes32() {
        let mut word = [0u8; 32];
        word[..3].copy_from_slice(b"MKR");
        let found = answered(true, &word).text(slot(&symbolCall {}), "a").unwrap();
        assert_eq!(found, "MKR");
    }

    #[test]
    fn a_revert_says_its_reason_and_an_empty_answer_what_is_missing() {
        // Error(string) with "31", a code of Aave's.
        let data = hex!(
            "08c379a0000000000000000000000000000000000000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000023331000000000000000000000000000000000000000000000000000000000000"
        );
        let error = answered(false, &data).get(slot(&amountCall {}), "a").unwrap_err().to_string();
        assert!(error.contains("amount()") && error.contains("31"), "{error}");
        let error = answered(true, &[]).get(slot(&amountCall {}), "a").unwrap_err().to_string();
        assert!(error.contains("there is no contract"), "{error}");
        let error = answered(true, &[1]).get(slot(&amountCall {}), "a").unwrap_err();
        assert!(error.is_transient() && error.to_string().contains("another form"), "{error}");
    }

    #[test]
    fn an_answer_of_another_chain_or_time_is_none() {
        let place = ("p", ChainId(1));
        let (one, hundred) = (Some(U256::from(1)), Some(U256::from(100)));
        assert!(check_place(&AT, place, one, hundred).is_ok());
        let chain = check_place(&AT, place, Some(U256::from(5)), hundred).unwrap_err();
        assert!(matches!(chain, AdapterError::WrongChain { found: ChainId(5), .. }));
        let late = check_place(&AT, place, one, Some(U256::from(101))).unwrap_err();
        assert!(late.to_string().contains("answered at 101, asked for 100"), "{late}");
        assert!(check_place(&AT, place, None, hundred).is_err());
    }
}
