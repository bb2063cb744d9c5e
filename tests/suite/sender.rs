//! The sender against a real node and the real vault: each plan once, whatever happens between.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::providers::Provider;
use alloy::sol;
use alloy::sol_types::{SolCall, SolValue};
use axum::Json;
use plimsoll_core::execution::{
    AdmissionPolicy, Breaker, Call as Allowed, Outcome, Patience, PlanId, State,
};
use plimsoll_core::{Amount, Bps, ChainId, MarketId};
use plimsoll_execute::chain::{
    Endpoint, Head, NodeError, Nodes, Progress, Proposal, Sender, SenderSettings, Signer,
};
use plimsoll_execute::journal::{Identity, Journal};
use plimsoll_localchain::{
    Artifacts, Asset, CHAIN_ID, Call, ChainSettings, LocalChain, Origin, deploy,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

sol! {
    struct Bounds { uint16 turnoverBps; uint16 moveLossBps; uint16 dayLossBps; uint16 monthLossBps; }
    struct Config {
        address asset; string name; string symbol; address owner; address curator; address allocator;
        address guardian; address soleDepositor; uint32 ownerDelay; uint32 curatorDelay;
        uint32 fadePeriod; Bounds bounds;
    }
    struct Leg {
        address market; uint8 kind; uint256 assets; uint256 minimum; uint256 maximum; bytes data;
    }
    function reallocate(bytes32 planId, uint64 validUntil, bytes32 preStateHash, Leg[] legs);
    function preStateHash() returns (bytes32);
    function planCount() returns (uint256);
    function isPlanUsed(bytes32 planId) returns (bool);
    function submit(bytes data);
    function listMarket(address market, uint128 absoluteCap, uint16 relativeCapBps);
    function mint(address to, uint256 amount);
    function approve(address spender, uint256 amount) returns (bool);
    function deposit(uint256 assets, address receiver) returns (uint256);
    function totalAssets() returns (uint256);
}

/// One million of a token with six decimals.
const MILLION: u64 = 1_000_000_000_000;
const CONFIRMATIONS: u64 = 3;

/// A vault with money in it, and a market to move it to.
struct Stage {
    chain: LocalChain,
    nodes: Nodes,
    vault: Address,
    market: Address,
    key: String,
    folder: tempfile::TempDir,
}

fn contracts() -> Option<Artifacts> {
    match Artifacts::find() {
        Ok(found) => Some(found),
        Err(error) if std::env::var("PLIMSOLL_REQUIRE_CONTRACTS").as_deref() != Ok("1") => {
            println!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

impl Stage {
    async fn set(artifacts: &Artifacts) -> Stage {
        let chain = LocalChain::start(artifacts, ChainSettings::default()).await.unwrap();
        let deployment = deploy(&chain, artifacts).await.unwrap();
        let usdc = deployment.token(Asset::Usdc).unwrap().token;
        let accounts = chain.accounts().to_vec();
        let [admin, engine, owner, curator, guardian, depositor] = accounts[..6] else { panic!() };
        let config = Config {
            asset: usdc,
            name: "Plimsoll USDC".to_owned(),
            symbol: "pUSDC".to_owned(),
            owner,
            curator,
            allocator: engine,
            guardian,
            soleDepositor: Address::ZERO,
            ownerDelay: 259_200,
            curatorDelay: 86_400,
            fadePeriod: 86_400,
            bounds: Bounds {
                turnoverBps: 10_000,
                moveLossBps: 10,
                dayLossBps: 10,
                monthLossBps: 50,
            },
        };
        let created = async |name: &str, arguments: Vec<u8>| {
            let artifact = artifacts.read(Origin::Plimsoll, name).unwrap();
            let code = artifact.creation(&BTreeMap::new(), &arguments).unwrap();
            let receipts = chain.execute(&[Call::create(admin, code).with_gas(12_000_000)]).await;
            receipts.unwrap()[0].contract_address.unwrap()
        };
        let vault = created("Vault", (config,).abi_encode_params()).await;
        let market = created("Erc4626Market", (vault, usdc, deployment.vault).abi_encode()).await;
        let list = listMarketCall { market, absoluteCap: u128::MAX, relativeCapBps: 10_000 };
        let submit = submitCall { data: list.abi_encode().into() };
        let amount = U256::from(MILLION);
        let calls = [
            Call::new(curator, vault, &submit),
            Call::new(curator, vault, &list),
            Call::new(admin, usdc, &mintCall { to: depositor, amount }),
            Call::new(depositor, usdc, &approveCall { spender: vault, amount }),
            Call::new(depositor, vault, &depositCall { assets: amount, receiver: depositor }),
        ];
        for call in calls {
            chain.execute(&[call]).await.unwrap();
        }
        let endpoint = Endpoint::new(&chain.http_url(), Duration::from_secs(5)).unwrap();
        let nodes = Nodes::new(vec![endpoint], 1, CHAIN_ID).unwrap();
        let key = alloy::hex::encode(chain.keys().nth(1).unwrap());
        let folder = tempfile::tempdir().unwrap();
        Journal::create(folder.path(), &identity(engine, vault)).unwrap();
        Stage { chain, nodes, vault, market, key, folder }
    }

    fn market_id(&self) -> MarketId {
        format!("erc4626:{CHAIN_ID}:{}", self.market.to_string().to_lowercase()).parse().unwrap()
    }

    /// The engine's sending part, started with nothing but the journal.
    fn started(&self) -> Sender {
        let signer = Signer::plain(&self.key, CHAIN_ID).unwrap();
        let identity = identity(signer.address(), self.vault);
        let journal = Journal::open(self.folder.path(), &identity).unwrap();
        let policy = AdmissionPolicy {
            chain: ChainId(CHAIN_ID),
            calls: BTreeSet::from([Allowed { to: self.vault, selector: reallocateCall::SELECTOR }]),
            caps: BTreeMap::from([(self.market_id(), Amount(U256::from(MILLION)))]),
            per_market: Bps(9_000),
            entries_per_plan: Bps(5_000),
            entries_per_day: Bps(9_000),
            gas_per_day: U256::MAX,
            exit_gas_per_day: U256::MAX,
            max_fee: 100_000_000_000,
        };
        let settings = SenderSettings {
            chain: ChainId(CHAIN_ID),
            vault: self.vault,
            patience: Patience {
                confirmations: CONFIRMATIONS,
                resend_after: 2,
                bump_after: 4,
                unknown_for: 10,
                max_fee: 100_000_000_000,
            },
            tip: 1_000_000_000,
            most_gas: 3_000_000,
            gas_margin_pct: 30,
        };
        Sender::new(journal, (self.nodes.clone(), signer), policy, settings)
    }

    async fn head(&self) -> Head {
        self.nodes.head().await.unwrap()
    }

    /// A plan that brings `assets` into the market.
    async fn entry(&self, number: u64, assets: u64) -> Proposal {
        let head = self.head().await;
        let id = keccak256(number.to_be_bytes());
        let hash = self.chain.call(self.vault, &preStateHashCall {}).await.unwrap();
        let leg = Leg {
            market: self.market,
            kind: 3,
            assets: U256::from(assets),
            minimum: U256::from(assets - 10),
            maximum: U256::from(assets + 10),
            data: Bytes::new(),
        };
        let valid_until = head.timestamp + 600;
        let call = reallocateCall {
            planId: id,
            validUntil: valid_until,
            preStateHash: hash,
            legs: vec![leg],
        };
        let amount = Amount(U256::from(assets));
        Proposal {
            id,
            data: call.abi_encode().into(),
            entries: BTreeMap::from([(self.market_id(), amount)]),
            holdings_after: BTreeMap::from([(self.market_id(), amount)]),
            nav: Amount(U256::from(MILLION)),
            least_after: Amount(U256::from(MILLION - 100)),
            valid_until,
        }
    }

    /// Lets blocks come until the open plan is over; `between` is called before each.
    async fn seen_through(&self, mut sender: Sender, crashes: bool) -> (Sender, Progress) {
        for _ in 0..60 {
            let progress = sender.on_head(&self.head().await).await.unwrap();
            if !matches!(progress, Progress::Waiting(_)) {
                return (sender, progress);
            }
            if crashes {
                drop(sender);
                sender = self.started();
            }
            self.chain.mine().await.unwrap();
        }
        panic!("not over after sixty blocks");
    }

    async fn plans(&self) -> u64 {
        self.chain.call(self.vault, &planCountCall {}).await.unwrap().to()
    }
}

fn identity(signer: Address, vault: Address) -> Identity {
    Identity {
        chain: ChainId(CHAIN_ID),
        genesis: "local".to_owned(),
        signer: signer.to_string(),
        vault: vault.to_string(),
    }
}

fn state(sender: &Sender, id: PlanId) -> State {
    sender.journal().folded().intents.get(id).unwrap().state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_carried_out_once_also_when_the_engine_is_killed_between_blocks() {
    let Some(artifacts) = contracts() else { return };
    let stage = Stage::set(&artifacts).await;
    for (number, crashes) in [(1, false), (2, true)] {
        let mut sender = stage.started();
        let proposal = stage.entry(number, MILLION / 10).await;
        let id = proposal.id;
        sender.propose(&stage.head().await, proposal).unwrap();
        let (sender, progress) = stage.seen_through(sender, crashes).await;
        assert_eq!(progress, Progress::Closed(id, Outcome::Done));
        assert_eq!(stage.plans().await, number);
        let total = stage.chain.call(stage.vault, &totalAssetsCall {}).await.unwrap();
        assert!(total >= U256::from(MILLION - 10), "{total}");
        drop(sender);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_that_forgets_the_transaction_has_the_same_bytes_sent_again() {
    let Some(artifacts) = contracts() else { return };
    let stage = Stage::set(&artifacts).await;
    let mut done = 0;
    for depth in 1..=3 {
        let mut sender = stage.started();
        let proposal = stage.entry(depth, MILLION / 100).await;
        let id = proposal.id;
        sender.propose(&stage.head().await, proposal).unwrap();
        sender.on_head(&stage.head().await).await.unwrap();
        for _ in 0..depth {
            stage.chain.mine().await.unwrap();
            sender.on_head(&stage.head().await).await.unwrap();
        }
        assert_eq!(state(&sender, id), State::Included);
        stage.chain.reorg(depth, &[]).await.unwrap();
        assert_eq!(stage.plans().await, done, "the reorg took it away");
        let (sender, progress) = stage.seen_through(sender, false).await;
        assert_eq!(progress, Progress::Closed(id, Outcome::Done), "depth {depth}");
        let intent = sender.journal().folded().intents.get(id).unwrap();
        assert_eq!((intent.reorgs, intent.attempts.len()), (1, 1), "the same bytes");
        done += 1;
        assert_eq!(stage.plans().await, done);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_beyond_what_was_final_stops_everything() {
    let Some(artifacts) = contracts() else { return };
    let stage = Stage::set(&artifacts).await;
    let mut sender = stage.started();
    sender.propose(&stage.head().await, stage.entry(1, MILLION / 10).await).unwrap();
    let (mut sender, _) = stage.seen_through(sender, false).await;
    stage.chain.reorg(CONFIRMATIONS + 2, &[]).await.unwrap();
    sender.on_head(&stage.head().await).await.unwrap();
    assert_eq!(sender.journal().folded().breaker, Breaker::Halt);
    sender.propose(&stage.head().await, stage.entry(2, MILLION / 10).await).unwrap();
    let refused = sender.on_head(&stage.head().await).await.unwrap();
    assert!(matches!(refused, Progress::Denied(..)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn someone_else_with_the_key_freezes_the_plan() {
    let Some(artifacts) = contracts() else { return };
    let stage = Stage::set(&artifacts).await;
    let mut sender = stage.started();
    sender.propose(&stage.head().await, stage.entry(1, MILLION / 10).await).unwrap();
    let (mut sender, _) = stage.seen_through(sender, false).await;
    let engine = stage.chain.accounts()[1];
    let foreign = Call::new(engine, stage.vault, &totalAssetsCall {});
    stage.chain.execute(&[foreign]).await.unwrap();
    sender.propose(&stage.head().await, stage.entry(2, MILLION / 10).await).unwrap();
    let frozen = sender.on_head(&stage.head().await).await.unwrap();
    let Progress::Frozen(_, reason) = &frozen else { panic!("{frozen:?}") };
    assert!(reason.contains("someone else"), "{reason}");
    assert_eq!(stage.plans().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_revert_or_is_not_allowed_is_given_up_before_anything_is_signed() {
    let Some(artifacts) = contracts() else { return };
    let stage = Stage::set(&artifacts).await;
    let mut sender = stage.started();
    let good = stage.entry(1, MILLION / 10).await;
    let reverting = {
        let mut call = reallocateCall::abi_decode(&good.data).unwrap();
        call.preStateHash = B256::ZERO;
        Proposal { data: call.abi_encode().into(), ..good.clone() }
    };
    let short =
        Proposal { least_after: Amount(U256::from(2 * MILLION)), ..stage.entry(2, 1_000).await };
    let foreign =
        Proposal { data: Bytes::from_static(&[1, 2, 3, 4]), ..stage.entry(3, 1_000).await };
    let large = stage.entry(4, MILLION / 10 * 6).await;
    for proposal in [reverting, short, foreign, large] {
        let id = proposal.id;
        sender.propose(&stage.head().await, proposal).unwrap();
        let progress = sender.on_head(&stage.head().await).await.unwrap();
        let denied = matches!(progress, Progress::Denied(..));
        assert!(denied || progress == Progress::Closed(id, Outcome::Abandoned), "{progress:?}");
        let intent = sender.journal().folded().intents.get(id).unwrap();
        assert!(intent.attempts.is_empty() && intent.reason.is_some());
    }
    assert_eq!(stage.plans().await, 0);
}

/// A node that answers as the chain's own does, but for what `lie` makes of its answers.
async fn liar(stage: &Stage, lie: fn(&str, Value) -> Value) -> Endpoint {
    let chain = stage.chain.provider().clone();
    let answer = move |Json(asked): Json<Value>| {
        let chain = chain.clone();
        async move {
            let method = asked["method"].as_str().unwrap().to_owned();
            let params = asked["params"].clone();
            let truth = chain.raw_request::<Value, Value>(method.clone().into(), params).await;
            let body = match truth {
                Ok(truth) => {
                    json!({ "jsonrpc": "2.0", "id": asked["id"], "result": lie(&method, truth) })
                }
                Err(_) => json!({
                    "jsonrpc": "2.0", "id": asked["id"], "error": { "code": -32000, "message": "no" },
                }),
            };
            Json(body)
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().route("/", axum::routing::post(answer));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Endpoint::new(&format!("http://{address}"), Duration::from_secs(5)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_that_lies_or_hides_receipts_changes_nothing() {
    let Some(artifacts) = contracts() else { return };
    let hides: fn(&str, Value) -> Value = |method, truth| match method {
        "eth_getTransactionReceipt" => Value::Null,
        _ => truth,
    };
    let forges: fn(&str, Value) -> Value = |method, mut truth| {
        if method == "eth_getTransactionReceipt" && truth.is_object() {
            truth["status"] = json!("0x0");
        }
        if method == "eth_getTransactionCount" {
            truth = json!("0x63");
        }
        truth
    };
    let mut stage = Stage::set(&artifacts).await;
    let own = || Endpoint::new(&stage.chain.http_url(), Duration::from_secs(5)).unwrap();
    let hidden = vec![own(), liar(&stage, hides).await];
    let forged = vec![liar(&stage, forges).await, own(), own()];
    for (number, endpoints) in [(1, hidden), (2, forged)] {
        stage.nodes = Nodes::new(endpoints, 2, CHAIN_ID).unwrap();
        let mut sender = stage.started();
        let proposal = stage.entry(number, MILLION / 100).await;
        let id = proposal.id;
        sender.propose(&stage.head().await, proposal).unwrap();
        let (sender, progress) = stage.seen_through(sender, false).await;
        assert_eq!(progress, Progress::Closed(id, Outcome::Done));
        assert_eq!(stage.plans().await, number);
        drop(sender);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_chain_is_refused_by_its_name() {
    let Some(artifacts) = contracts() else { return };
    let chain = LocalChain::start(&artifacts, ChainSettings::default()).await.unwrap();
    let endpoint = Endpoint::new(&chain.http_url(), Duration::from_secs(5)).unwrap();
    let nodes = Nodes::new(vec![endpoint], 1, 1).unwrap();
    let refused = nodes.head().await.unwrap_err();
    assert!(
        matches!(refused, NodeError::WrongChain { found: CHAIN_ID, wanted: 1, .. }),
        "{refused}"
    );
}
