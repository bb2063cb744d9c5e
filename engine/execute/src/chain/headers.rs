//! Headers with what their events may be checked against, and the block that is final.

use super::endpoint::RpcError;
use super::nodes::{Head, Header, NodeError, Nodes, head_of};
use alloy::primitives::{Address, B256, Bloom, BloomInput, U64};
use serde::Deserialize;
use serde_json::{Value, json};

/// A header and the filter of its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headed {
    /// The header.
    pub head: Head,
    /// What contracts and topics its events may have: never less than they have. `None` where the chain keeps none.
    pub bloom: Option<Bloom>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Full {
    #[serde(flatten)]
    header: Header,
    #[serde(default)]
    logs_bloom: Option<Bloom>,
}

impl Headed {
    /// Whether `contract` may have given an event here, with one of `first` as its first argument where there are
    /// any; `None` where the chain does not say.
    #[must_use]
    pub fn may_hold(&self, contract: Address, first: &[B256]) -> Option<bool> {
        let bloom = self.bloom.as_ref()?;
        let has = |bytes: &[u8]| bloom.contains_input(BloomInput::Raw(bytes));
        let is_named = first.is_empty() || first.iter().any(|topic| has(topic.as_slice()));
        Some(has(contract.as_slice()) && is_named)
    }
}

impl Nodes {
    /// Returns the chain's header at `number`.
    ///
    /// # Errors
    /// [`NodeError::NoQuorum`].
    pub async fn headed(&self, number: u64) -> Result<Headed, NodeError> {
        let method = "eth_getBlockByNumber";
        let asked = json!([format!("{number:#x}"), false]);
        let found: Option<Full> = self.agreed(method, asked).await?;
        let asked = |full: &Full| full.header.number == U64::from(number);
        let full = found.filter(asked).ok_or_else(|| self.no_quorum(method, 0, None))?;
        Ok(Headed { head: head_of(&full.header), bloom: full.logs_bloom })
    }

    /// Returns the number of the newest block that every node says is final; `None` where one does not say.
    pub async fn finalized(&self) -> Option<u64> {
        let method = "eth_getBlockByNumber";
        let ask = || async {
            let answers = self.each::<Option<Value>>(method, json!(["finalized", false])).await;
            let all: Result<Vec<Option<Value>>, RpcError> = answers.into_iter().collect();
            all.map_err(|error| self.no_quorum(method, 0, Some(error)))
        };
        let answers = self.retries.run(ask).await.ok()?;
        let number = |answer: Option<Value>| -> Option<u64> {
            let number: U64 = serde_json::from_value(answer?.get("number")?.clone()).ok()?;
            Some(number.to())
        };
        let numbers: Option<Vec<u64>> = answers.into_iter().map(number).collect();
        numbers?.into_iter().min()
    }
}
