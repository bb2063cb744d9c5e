use super::*;

/// Provider, HTTP status, code, words, and what they mean when events were asked for. The words are those that
/// users report in public issues of the providers and of their clients.
const OF_LOGS: [(&str, u16, i64, &str, Refusal); 36] = {
    const MUCH: Refusal = Refusal::TooMuch { blocks: None };
    const OFTEN: Refusal = Refusal::TooOften { wait: None };
    const PASSING: Refusal = Refusal::Passing { wait: None };
    [
        (
            "alchemy",
            200,
            -32_602,
            "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit on the response size, or you can request any block range with a cap of 10K logs in the response. Based on your parameters and the response size limit, this block range should work: [0x100, 0x1ff]",
            Refusal::TooMuch { blocks: Some(256) },
        ),
        (
            "alchemy, free plan",
            400,
            -32_600,
            "You can make eth_getLogs requests with up to a 500 block range. Based on your parameters, this block range should work: [0x123c9b2, 0x123cba5]",
            Refusal::TooMuch { blocks: Some(500) },
        ),
        (
            "alchemy",
            429,
            429,
            "Your app has exceeded its compute units per second capacity. If you have retries enabled, you can safely ignore this message.",
            OFTEN,
        ),
        (
            "alchemy",
            200,
            -32_000,
            "Query timeout exceeded. Consider reducing your block range.",
            MUCH,
        ),
        (
            "infura",
            200,
            -32_005,
            "query returned more than 10000 results. Try with this block range [0xBDE5F8, 0xBDE6F7].",
            Refusal::TooMuch { blocks: Some(256) },
        ),
        ("infura", 200, -32_005, "query returned more than 10000 results", MUCH),
        ("infura", 200, -32_602, "range 1000000 exceeds limit of 10000", MUCH),
        ("infura", 200, -32_005, "query timeout exceeded", MUCH),
        ("infura", 429, -32_005, "daily request count exceeded, request rate limited", OFTEN),
        ("infura", 200, -32_005, "project ID request rate exceeded", OFTEN),
        ("quicknode", 413, -32_614, "eth_getLogs is limited to a 10,000 range", MUCH),
        (
            "quicknode",
            429,
            -32_007,
            "50/second request limit reached - reduce calls per second or upgrade your account at quicknode.com",
            OFTEN,
        ),
        ("ankr", 200, -32_600, "block range is too wide", MUCH),
        ("ankr", 200, -32_029, "limit reached", OFTEN),
        ("publicnode", 200, -32_701, "exceed maximum block range: 50000", MUCH),
        (
            "publicnode",
            200,
            -32_701,
            "Please specify an address in your request or, to remove restrictions, order a dedicated full node: maximum",
            MUCH,
        ),
        ("drpc", 400, 35, "ranges over 10000 blocks are not supported on freetier", MUCH),
        (
            "drpc",
            408,
            30,
            "Request timeout on the free tier, please upgrade your tier to the paid one",
            MUCH,
        ),
        ("bnb", 200, -32_000, "exceed maximum block range: 5000", MUCH),
        ("bnb", 200, -32_005, "limit exceeded", MUCH),
        ("1rpc", 200, -32_001, "eth_getLogs is limited to a 1000 blocks range", MUCH),
        ("1rpc", 200, -32_001, "response size should not greater than 10000000 bytes", MUCH),
        ("base", 503, -32_011, "no backend is currently healthy to serve traffic", MUCH),
        ("optimism", 200, -32_020, "backend response too large", MUCH),
        ("arbitrum", 200, -32_000, "logs matched by query exceeds limit of 10000", MUCH),
        (
            "chainstack",
            200,
            -32_005,
            "You've exceeded the RPS limit available on the current plan.",
            OFTEN,
        ),
        ("moonbeam", 200, -32_603, "block range is too wide (maximum 1024)", MUCH),
        ("tenderly", 200, -32_602, "GetLogs query must be smaller than size 1024", MUCH),
        (
            "reth",
            200,
            -32_602,
            "query exceeds max results 20000, retry with the range 25683953-25685027",
            Refusal::TooMuch { blocks: Some(1_075) },
        ),
        ("reth", 200, -32_602, "query exceeds max block range 100000", MUCH),
        ("erigon", 200, -32_000, "block range limit exceeded: 20000", MUCH),
        (
            "nethermind",
            200,
            -32_005,
            "Too many logs requested. Max logs per response is 20000.",
            MUCH,
        ),
        ("geth", 200, -32_002, "request timed out", MUCH),
        ("geth", 200, 4_444, "pruned history unavailable", Refusal::Pruned),
        ("besu", 200, -32_000, "Unknown block", PASSING),
        (
            "any",
            200,
            -32_601,
            "the method eth_getLogs does not exist/is not available",
            Refusal::Final,
        ),
    ]
};

/// What they mean when a contract was asked at an old block.
const OF_CALLS: [(&str, u16, i64, &str, Refusal); 16] = [
    ("geth", 200, -32_000, "missing trie node d74423b54378a6d4 (path )", Refusal::Pruned),
    ("geth", 200, -32_000, "required historical state unavailable (reexec=128)", Refusal::Pruned),
    ("geth", 200, -32_000, "historical state 0xab is not available", Refusal::Pruned),
    ("erigon", 200, -32_000, "old data not available due to pruning", Refusal::Pruned),
    ("nethermind", 200, -32_002, "No state available for block 0x4a8411", Refusal::Pruned),
    (
        "nethermind",
        200,
        -32_603,
        "Internal error: \"Nethermind.Trie.MissingTrieNodeException: Node A\"",
        Refusal::Pruned,
    ),
    (
        "reth",
        200,
        -32_000,
        "distance to target block exceeds maximum proof window",
        Refusal::Pruned,
    ),
    (
        "openethereum",
        200,
        -32_000,
        "This request is not supported because your node is running with state pruning. Run with --pruning=archive.",
        Refusal::Pruned,
    ),
    ("publicnode", 403, -32_701, "Archive requests require a personal token", Refusal::Pruned),
    (
        "quicknode",
        200,
        -32_000,
        "Archive requests are not available on your current plan",
        Refusal::Pruned,
    ),
    (
        "anvil",
        200,
        -32_602,
        "BlockOutOfRangeError: block height is 900 but requested was 3",
        Refusal::Pruned,
    ),
    ("geth", 200, 3, "execution reverted: state is not available", Refusal::Final),
    ("geth", 200, -32_000, "header not found", Refusal::Passing { wait: None }),
    ("infura", 200, -32_005, "limit exceeded", Refusal::TooOften { wait: None }),
    ("geth", 200, -32_000, "execution reverted", Refusal::Final),
    ("any", 401, -32_000, "Must be authenticated!", Refusal::Final),
];

fn refused(method: &'static str, status: u16, code: i64, message: &str) -> RpcError {
    let (node, message) = ("n".to_owned(), message.to_owned());
    RpcError::Refused { node, method, code, message, status, wait: None }
}

#[test]
fn what_providers_say_instead_of_events_is_understood() {
    for (provider, status, code, words, expected) in OF_LOGS {
        let found = refused(LOGS, status, code, words).refusal();
        assert_eq!(found, expected, "{provider}: {code} {words}");
    }
}

#[test]
fn what_providers_say_instead_of_old_state_is_understood() {
    for (provider, status, code, words, expected) in OF_CALLS {
        let found = refused("eth_call", status, code, words).refusal();
        assert_eq!(found, expected, "{provider}: {code} {words}");
    }
}

#[test]
fn a_status_without_an_answer_is_a_refusal_too_and_says_how_long_to_wait() {
    let status = |method, status, wait| {
        RpcError::Status { node: "n".to_owned(), method, status, wait }.refusal()
    };
    let soon = Some(Duration::from_secs(7));
    assert_eq!(status(LOGS, 429, soon), Refusal::TooOften { wait: soon });
    assert_eq!(status(LOGS, 413, None), Refusal::TooMuch { blocks: None });
    assert_eq!(status(LOGS, 504, None), Refusal::TooMuch { blocks: None });
    assert_eq!(status("eth_call", 504, None), Refusal::Passing { wait: None });
    assert_eq!(status(LOGS, 503, soon), Refusal::Passing { wait: soon });
    assert_eq!(status(LOGS, 403, None), Refusal::Final);
}

#[test]
fn a_hint_gives_a_number_of_blocks_and_nonsense_gives_none() {
    assert_eq!(fits("this block range should work: [0x1, 0x1]"), Some(1));
    assert_eq!(fits("range 10-50"), Some(41));
    for nonsense in
        ["[0x5, 0x1]", "[0x0, 0xffffffffffffffff]", "[]", "range a-b", "range 5-", "limit of 10000"]
    {
        assert_eq!(fits(nonsense), None, "{nonsense}");
    }
}
