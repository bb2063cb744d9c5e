//! Runs many calls in one transaction and compares what came with what was expected.

use crate::support::artifacts;
use alloy::primitives::{Address, Bytes, LogData, U256};
use alloy::sol_types::{SolCall, SolEvent, SolValue};
use plimsoll_localchain::abi::{IStepRunner, IToken};
use plimsoll_localchain::{
    Artifacts, Call, ChainSettings, Exchanges, LocalChain, Origin, deploy_exchanges,
};
use std::collections::BTreeMap;

/// The most gas that a transaction may have (EIP-7825 allows 2^24).
const GAS: u64 = 16_700_000;

/// A call, and what should come of it.
pub(crate) struct Expected {
    pub(crate) target: Address,
    pub(crate) input: Bytes,
    /// What it returns; none where it reverts.
    pub(crate) output: Option<Bytes>,
    /// What the target logs.
    pub(crate) logs: Vec<LogData>,
    /// What it is, for whoever reads that it differs.
    pub(crate) what: String,
}

impl Expected {
    /// A call that changes nothing.
    pub(crate) fn view<C: SolCall>(target: Address, call: &C, output: &C::Return) -> Expected {
        let output = C::abi_encode_returns(output).into();
        let what = C::SIGNATURE.to_owned();
        let input = call.abi_encode().into();
        Expected { target, input, output: Some(output), logs: Vec::new(), what }
    }

    /// A call that does something, or reverts.
    pub(crate) fn act<C: SolCall>(
        target: Address,
        call: &C,
        (output, logs): (Option<C::Return>, Vec<LogData>),
        what: String,
    ) -> Expected {
        let output = output.map(|output| C::abi_encode_returns(&output).into());
        Expected { target, input: call.abi_encode().into(), output, logs, what }
    }
}

/// A chain with the exchanges and the runner that holds everything.
pub(crate) struct Bench {
    pub(crate) chain: LocalChain,
    pub(crate) exchanges: Exchanges,
    pub(crate) artifacts: Artifacts,
    pub(crate) runner: Address,
    pub(crate) now: u64,
}

impl Bench {
    pub(crate) async fn open() -> Option<Bench> {
        let artifacts = artifacts()?;
        let chain = LocalChain::start(&artifacts, ChainSettings::default()).await.unwrap();
        let exchanges = deploy_exchanges(&chain, &artifacts).await.unwrap();
        let mut bench = Bench { chain, exchanges, artifacts, runner: Address::ZERO, now: 0 };
        bench.runner = bench.stand_in("StepRunner", &[]).await;
        bench.now = bench.chain.head().await.unwrap().time;
        Some(bench)
    }

    pub(crate) async fn stand_in(&self, name: &str, arguments: &[u8]) -> Address {
        let artifact = self.artifacts.read(Origin::StandIn, name).unwrap();
        let code = artifact.creation(&BTreeMap::new(), arguments).unwrap();
        self.chain.create(self.exchanges.admin, code).await.unwrap()
    }

    /// A token of which the runner holds 2^`bits`.
    pub(crate) async fn token(&self, decimals: u8, bits: usize) -> Address {
        let named = ("Token".to_owned(), "TOK".to_owned(), U256::from(decimals));
        let token = self.stand_in("Token", &named.abi_encode_params()).await;
        let amount = U256::from(1) << bits;
        let mint = IToken::mintCall { to: self.runner, amount };
        self.chain.execute(&[Call::new(self.exchanges.admin, token, &mint)]).await.unwrap();
        token
    }

    /// Two tokens in the order of their addresses.
    pub(crate) async fn pair(&self, decimals: (u8, u8), bits: usize) -> (Address, Address) {
        let (a, b) = (self.token(decimals.0, bits).await, self.token(decimals.1, bits).await);
        (a.min(b), a.max(b))
    }

    /// Lets blocks stand for so many seconds and returns the time of the next.
    pub(crate) async fn wait(&mut self, seconds: u64) -> u32 {
        self.chain.set_block_seconds(seconds).await.unwrap();
        self.next()
    }

    /// The time of the next block.
    pub(crate) fn next(&self) -> u32 {
        u32::try_from(self.now + self.chain.settings().block_seconds).unwrap()
    }

    /// Has the runner make the calls, all in one block, and says what differs first.
    pub(crate) async fn compare(&mut self, expected: &[Expected]) -> Result<(), String> {
        let steps = expected.iter();
        let steps = steps
            .map(|step| IStepRunner::Step { target: step.target, data: step.input.clone() })
            .collect();
        let run = IStepRunner::runCall { steps };
        let call = Call::new(self.exchanges.admin, self.runner, &run).with_gas(GAS);
        let receipts = self.chain.execute(&[call]).await.map_err(|error| error.to_string())?;
        self.now += self.chain.settings().block_seconds;
        let mut logs = Vec::new();
        let mut rest = expected.iter();
        for log in receipts[0].logs() {
            if log.address() != self.runner {
                logs.push((log.address(), log.inner.data.clone()));
                continue;
            }
            assert_eq!(log.block_timestamp.unwrap_or(self.now), self.now, "the clock is ours");
            let answer = IStepRunner::Answer::decode_log_data(&log.inner.data).unwrap();
            let step = rest.next().unwrap();
            let logged: Vec<_> = logs
                .drain(..)
                .filter(|(address, _)| *address == step.target)
                .map(|(_, data)| data)
                .collect();
            check(step, &answer, &logged)?;
        }
        if rest.next().is_some() { Err("a call has no answer".to_owned()) } else { Ok(()) }
    }
}

fn check(step: &Expected, answer: &IStepRunner::Answer, logged: &[LogData]) -> Result<(), String> {
    let what = &step.what;
    match &step.output {
        None if answer.success => Err(format!("{what}: it should revert, and does not")),
        None => Ok(()),
        Some(_) if !answer.success => {
            let reason = String::from_utf8_lossy(&answer.data);
            Err(format!("{what}: it reverts: {} {reason}", answer.data))
        }
        Some(output) if *output != answer.data => {
            Err(format!("{what}: it returns {}, expected {output}", answer.data))
        }
        Some(_) if !step.logs.is_empty() && step.logs != logged => {
            Err(format!("{what}: it logs {logged:?}, expected {:?}", step.logs))
        }
        Some(_) => Ok(()),
    }
}
