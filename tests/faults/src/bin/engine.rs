//! The smallest process with the real executor in it: it looks at the chain, proposes the next of the moves that it
//! was given, and sees it through. It ends when its input does.
//!
//! `faults-engine SETTINGS.json`; what it says is in `plimsoll_faults::engine`. Kill points are those of the executor.

use alloy::primitives::{Address, Bytes, U256, keccak256};
use alloy::sol_types::SolCall;
use plimsoll_core::execution::{Breaker, Outcome, State};
use plimsoll_core::{Amount, ChainId, Time};
use plimsoll_execute::chain::{
    Endpoint, Head, Nodes, Progress as Came, Proposal, SendError, Sender, SenderSettings, Signer,
};
use plimsoll_execute::journal::{Identity, Journal, JournalError, Record};
use plimsoll_execute::live::Heads;
use plimsoll_faults::abi::{ENTRY, EXIT, Leg, preStateHashCall, reallocateCall, totalAssetsCall};
use plimsoll_faults::engine::{EngineSettings, Move, Progress, Said};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

/// The most gas that a plan may use.
const MOST_GAS: u64 = 3_000_000;

type Failure = Box<dyn Error + Send + Sync>;

struct Engine {
    settings: EngineSettings,
    nodes: Nodes,
    sender: Sender,
}

#[tokio::main]
async fn main() -> ExitCode {
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    tokio::select! {
        _ = end => ExitCode::SUCCESS,
        stopped = run() => {
            let detail = stopped.map_or_else(|error| error.to_string(), |()| "done".to_owned());
            say(&Said::Stops { detail });
            ExitCode::from(3)
        }
    }
}

fn say(said: &Said) {
    println!("{}", serde_json::to_string(said).unwrap_or_default());
}

async fn run() -> Result<(), Failure> {
    let path = std::env::args().nth(1).ok_or("no settings: faults-engine SETTINGS.json")?;
    let settings: EngineSettings = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let timeout = Duration::from_millis(settings.timeout_ms);
    let endpoints: Result<Vec<Endpoint>, _> =
        settings.nodes.iter().map(|url| Endpoint::new(url, timeout)).collect();
    let nodes = Nodes::new(endpoints?, settings.quorum, settings.chain)?;
    let signer = Signer::plain(&settings.key, settings.chain)?;
    let mut journal = journal(&settings, signer.address())?;
    let policy = settings.policy()?;
    let started = Record::Started {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        policy: keccak256(serde_json::to_vec(&policy)?).to_string(),
        is_live: true,
        desk: None,
    };
    journal.append(Time(0), &started)?;
    let sending = SenderSettings {
        chain: ChainId(settings.chain),
        vault: settings.vault,
        patience: settings.patience(),
        tip: settings.tip,
        most_gas: MOST_GAS,
        gas_margin_pct: 30,
    };
    let sender = Sender::new(journal, (nodes.clone(), signer), policy, sending);
    let poll = Duration::from_millis(settings.poll_ms);
    let socket = settings.websocket.clone();
    let mut heads = socket.map(|socket| Heads::new(nodes.clone(), poll, Some(socket)));
    let mut engine = Engine { settings, nodes, sender };
    let mut is_ready = false;
    for poll in 1.. {
        match engine.look(heads.as_mut()).await {
            Ok((head, progress)) => {
                if !std::mem::replace(&mut is_ready, true) {
                    say(&Said::Ready);
                }
                let (head, hash) = (head.block.number, head.block.hash);
                say(&Said::Polled { poll, head, hash, progress });
                if heads.is_some() {
                    continue;
                }
            }
            Err(error) if !is_transient(&error) => return Err(error),
            Err(error) => say(&Said::Failed { poll, detail: error.to_string() }),
        }
        match &mut heads {
            // The same head once more: what failed may be over before the next one comes.
            Some(heads) => {
                heads.again();
                heads.pause().await;
            }
            None => tokio::time::sleep(Duration::from_millis(engine.settings.poll_ms)).await,
        }
    }
    Ok(())
}

/// Opens the journal; makes one where there is none yet.
fn journal(settings: &EngineSettings, signer: Address) -> Result<Journal, JournalError> {
    let identity = Identity {
        chain: ChainId(settings.chain),
        genesis: "local".to_owned(),
        signer: signer.to_string(),
        vault: settings.vault.to_string(),
    };
    match Journal::open(&settings.folder, &identity) {
        Err(JournalError::Missing { .. }) => Journal::create(&settings.folder, &identity),
        opened => opened,
    }
}

/// Whether the next look may go better.
fn is_transient(error: &Failure) -> bool {
    // What is no answer of a contract may be one at the next block: the node is in the middle of a reorganisation.
    error.downcast_ref::<SendError>().is_none_or(SendError::is_transient)
}

impl Engine {
    /// Looks at the chain once and does what there is to do.
    async fn look(&mut self, heads: Option<&mut Heads>) -> Result<(Head, Progress), Failure> {
        let head = match heads {
            Some(heads) => heads.next().await.map(|arrival| arrival.head),
            None => self.nodes.head().await,
        };
        let head = head.map_err(SendError::from)?;
        let came = self.sender.on_head(&head).await?;
        if let Some(reason) = self.sender.refusal() {
            eprintln!("at block {}: not sent again: {reason}", head.block.number);
        }
        let progress = match came {
            Came::Frozen(..) => Progress::Frozen,
            _ if self.sender.journal().folded().breaker != Breaker::Normal => Progress::Halted,
            Came::Waiting(_) => Progress::Waiting,
            _ => match self.next_move() {
                None => Progress::AllDone,
                Some(next) => {
                    let proposal = self.proposal(&head, next).await?;
                    self.sender.propose(&head, proposal)?;
                    match self.sender.on_head(&head).await? {
                        Came::Waiting(_) => Progress::Waiting,
                        Came::Frozen(..) => Progress::Frozen,
                        _ => Progress::Between,
                    }
                }
            },
        };
        Ok((head, progress))
    }

    /// The first of the moves that no plan of the journal has done.
    fn next_move(&self) -> Option<Move> {
        let intents = &self.sender.journal().folded().intents;
        let done = intents.iter().filter(|plan| plan.state == State::Closed(Outcome::Done)).count();
        self.settings.moves.get(done).copied()
    }

    async fn proposal(&self, head: &Head, next: Move) -> Result<Proposal, Failure> {
        let made = self.sender.journal().folded().intents.iter().count() as u64;
        let id = keccak256([self.settings.label.as_bytes(), &made.to_be_bytes()].concat());
        let nav = self.total(head, self.settings.vault).await?;
        let held = self.total(head, next.market).await?;
        let hash = self.read(head, self.settings.vault, preStateHashCall {}.abi_encode()).await?;
        let expected = preStateHashCall::abi_decode_returns(&hash)?;
        let assets = U256::from(next.assets);
        let play = assets / U256::from(10_000) + U256::from(10);
        let leg = Leg {
            market: next.market,
            kind: if next.is_entry { ENTRY } else { EXIT },
            assets,
            minimum: assets - play,
            maximum: assets + play,
            data: Bytes::new(),
        };
        let valid_until = head.timestamp + self.settings.valid_for;
        let call = reallocateCall {
            planId: id,
            validUntil: valid_until,
            expectedHash: expected,
            legs: vec![leg],
        };
        let market = self.settings.market(next.market)?;
        let (entries, after) = if next.is_entry {
            (BTreeMap::from([(market.clone(), Amount(assets))]), held.saturating_add(assets))
        } else {
            (BTreeMap::new(), held.saturating_sub(assets))
        };
        Ok(Proposal {
            id,
            data: call.abi_encode().into(),
            entries,
            holdings_after: BTreeMap::from([(market, Amount(after))]),
            nav: Amount(nav),
            least_after: Amount(nav - nav / U256::from(10_000)),
            valid_until,
        })
    }

    async fn total(&self, head: &Head, of: Address) -> Result<U256, Failure> {
        let answer = self.read(head, of, totalAssetsCall {}.abi_encode()).await?;
        Ok(totalAssetsCall::abi_decode_returns(&answer)?)
    }

    async fn read(&self, head: &Head, of: Address, call: Vec<u8>) -> Result<Bytes, Failure> {
        let asked = self.nodes.call(of, &call.into(), head.block.hash).await;
        Ok(asked.map_err(SendError::from)?)
    }
}
