//! A token that is upgraded to one that keeps a part of each transfer.

use crate::abi::IToken;
use crate::{Artifacts, LocalChain, LocalChainError, Origin};
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolValue;
use serde_json::json;
use std::collections::BTreeMap;

/// Has a token that a world was made with keep `fee_bps` of each transfer from now on. Its code becomes that of
/// `contracts/local/FeeToken.sol`, as if its owner had upgraded it; who holds how much stays. Makes a block.
///
/// # Errors
/// [`LocalChainError`] when the artifact is missing or the node refuses.
pub async fn take_fee_on_transfer(
    chain: &LocalChain,
    artifacts: &Artifacts,
    (token, fee_bps): (Address, u64),
) -> Result<(), LocalChainError> {
    let symbol = chain.call(token, &IToken::symbolCall {}).await?;
    let decimals = U256::from(chain.call(token, &IToken::decimalsCall {}).await?);
    let arguments = (symbol.clone(), symbol, decimals, U256::from(fee_bps)).abi_encode_params();
    let code =
        artifacts.read(Origin::StandIn, "FeeToken")?.creation(&BTreeMap::new(), &arguments)?;
    let from = chain.accounts().first().copied().unwrap_or_default();
    let model = chain.create(from, code).await?;
    let code: Bytes = chain.request("eth_getCode", json!([model, "latest"])).await?;
    chain.set_code(token, &code).await
}
