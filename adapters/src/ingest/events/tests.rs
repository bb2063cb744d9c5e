use super::*;
use alloy::primitives::{Bytes, hex};
use serde_json::json;

/// Aave's pool on Ethereum.
const POOL: &str = "0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2";

fn pool() -> Source {
    let settings = json!({ "protocol": "aave_v3", "chain": 1, "pool": POOL, "markets": [] });
    let settings: ProtocolSettings = serde_json::from_value(settings).unwrap();
    sources(&[settings]).remove(0)
}

fn log(topics: &[&str], data: &[u8]) -> Log {
    serde_json::from_value(json!({
        "blockNumber": "0x10", "logIndex": "0x2", "transactionIndex": "0x1",
        "blockHash": B256::ZERO, "transactionHash": B256::ZERO,
        "address": POOL, "topics": topics, "data": Bytes::copy_from_slice(data),
    }))
    .unwrap()
}

/// `ReserveDataUpdated(address,uint256,uint256,uint256,uint256,uint256)` and its reserve, USDC. The signature's hash is
/// that of every such event of the pool on Ethereum.
const UPDATED: [&str; 2] = [
    "0x804c9b842b2748a22bb64b345453a3de7ca54a6ca45ce00d415894979e22897a",
    "0x000000000000000000000000a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
];

#[test]
fn an_event_of_the_pool_is_decoded_into_its_market_and_arguments() {
    let words: Vec<u8> = (1u8..=5).flat_map(|n| U256::from(n).to_be_bytes::<32>()).collect();
    let (source, log) = (pool(), log(&UPDATED, &words));
    let found = source.decode(&log);
    let Found::Decoded(decoded) = &found else { panic!("{found:?}") };
    assert_eq!(decoded.event, "ReserveDataUpdated");
    let arguments: serde_json::Value = serde_json::from_str(&decoded.arguments).unwrap();
    assert_eq!(arguments["liquidityIndex"], "0x4");
    assert_eq!(arguments["reserve"], "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48");
    let market = source.market(&log, &found).unwrap();
    assert_eq!(market.as_str(), "aave-v3:1:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48");
}

#[test]
fn what_is_known_and_of_another_form_is_told_apart_from_what_is_unknown() {
    let source = pool();
    let words = [0u8; 160];
    let other_forms: [(&[&str], &[u8]); 4] = [
        (&UPDATED, &words[..159]),
        (&UPDATED, &[0; 192]),
        (&UPDATED[..1], &words),
        // An address with something in its first bytes.
        (
            &[UPDATED[0], "0x010000000000000000000000a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"],
            &words,
        ),
    ];
    for (topics, data) in other_forms {
        let found = source.decode(&log(topics, data));
        assert_eq!(found, Found::Undecodable("ReserveDataUpdated"), "{topics:?} {}", data.len());
    }
    let stranger = hex::encode_prefixed([7u8; 32]);
    assert_eq!(source.decode(&log(&[&stranger], &[])), Found::Unknown);
    assert_eq!(source.decode(&log(&[], &[1])), Found::Unknown, "an anonymous event");
}

#[test]
fn events_of_one_contract_are_asked_for_once_and_only_of_the_wanted_markets() {
    let morpho = "0xbbbbbbbbbb9cc5e90e3b3af64bdaf62c37eeffcb";
    let (first, second) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let blue = json!({ "protocol": "morpho_blue", "chain": 1, "morpho": morpho, "markets": [{ "id": first }] });
    let vaults = json!({ "protocol": "erc4626", "chain": 1, "markets": [
        { "vault": POOL, "inner": { "morpho": morpho, "id": second } }] });
    let settings = [blue, vaults].map(|settings| serde_json::from_value(settings).unwrap());
    let sources = sources(&settings);
    assert_eq!(sources.len(), 2);
    let blue = sources.iter().find(|source| source.protocol() == "morpho-blue").unwrap();
    assert_eq!(blue.filter().first, [first, second]);
    let of = |first: B256| {
        let mut log = log(&[UPDATED[0]], &[]);
        log.address = blue.contract();
        log.topics.push(first);
        log
    };
    assert!(blue.wants(&of(first)) && !blue.wants(&of(B256::ZERO)));
    let id = format!("morpho-blue:1:{morpho}:{first}");
    assert_eq!(blue.market(&of(first), &Found::Unknown).unwrap().as_str(), id);
}
