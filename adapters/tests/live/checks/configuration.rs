use crate::bench::{Bench, Outcome, Verdict, holds, same};
use crate::stage::nodes;
use crate::subject::Wrong;
use plimsoll_core::ChainId;
use plimsoll_execute::AdapterError;

async fn checked(bench: &Bench<'_>, wrong: Wrong) -> Result<AdapterError, String> {
    let at = bench.stage.at().await;
    match bench.wrong(wrong).check(&bench.stage.nodes, &at).await {
        Ok(()) => Err(format!("{wrong:?} passed the check")),
        Err(error) if error.is_transient() && !matches!(error, AdapterError::Call { .. }) => {
            Err(format!("{wrong:?} is no passing error: {error}"))
        }
        Err(error) => Ok(error),
    }
}

pub(super) async fn the_right_configuration_passes(bench: &Bench<'_>) -> Outcome {
    let at = bench.stage.at().await;
    let checked = bench.adapter().check(&bench.stage.nodes, &at).await;
    checked.map_err(|error| error.to_string())?;
    Ok(Verdict::Holds)
}

pub(super) async fn a_wrong_protocol_is_named(bench: &Bench<'_>) -> Outcome {
    let error = checked(bench, Wrong::Protocol).await?.to_string().to_lowercase();
    let token = bench.stage.token(plimsoll_localchain::Asset::Usdc).to_string().to_lowercase();
    holds(&format!("it names the contract: {error}"), error.contains(&token))?;
    Ok(Verdict::Holds)
}

pub(super) async fn an_address_without_code_is_named(bench: &Bench<'_>) -> Outcome {
    let error = checked(bench, Wrong::NoCode).await?;
    holds(&format!("no code: {error}"), matches!(error, AdapterError::NoCode { .. }))?;
    holds("it names the address", error.to_string().contains(&"77".repeat(20)))?;
    Ok(Verdict::Holds)
}

pub(super) async fn another_markets_contract_is_named(bench: &Bench<'_>) -> Outcome {
    let error = checked(bench, Wrong::Contract).await?;
    let AdapterError::Mismatch { contract, field, .. } = &error else {
        return Err(format!("{error}"));
    };
    same("contract", *contract, bench.subject.contract(bench.stage, 1))?;
    same("field", *field, bench.subject.contract_field())?;
    Ok(Verdict::Holds)
}

pub(super) async fn a_market_that_is_not_there_is_named_and_the_rest_stands(
    bench: &Bench<'_>,
) -> Outcome {
    checked(bench, Wrong::Market).await?;
    let (adapter, at) = (bench.wrong(Wrong::Market), bench.stage.at().await);
    let read = adapter.read(&bench.stage.nodes, &at).await.map_err(|error| error.to_string())?;
    let missing: Vec<_> = read.unreadable.iter().map(|(id, _)| id.clone()).collect();
    same("unreadable", missing, vec![adapter.markets()[1].clone()])?;
    same("readings", read.readings.len(), 3)?;
    Ok(Verdict::Holds)
}

pub(super) async fn another_chain_is_refused(bench: &Bench<'_>) -> Outcome {
    let error = checked(bench, Wrong::Chain).await?;
    let is_named = matches!(error, AdapterError::WrongChain { expected: ChainId(1), .. });
    holds(&format!("{error}"), is_named)?;
    // Nodes that are said to be of that chain, and are not.
    let at = bench.stage.at().await;
    let foreign = nodes(&bench.stage.chain.http_url(), 1);
    let adapter = bench.wrong(Wrong::Chain);
    holds("the check refuses", adapter.check(&foreign, &at).await.is_err())?;
    let read = adapter.read(&foreign, &at).await;
    let is_named = matches!(read, Err(AdapterError::WrongChain { expected: ChainId(1), .. }));
    holds("a read refuses too", is_named)?;
    Ok(Verdict::Holds)
}
