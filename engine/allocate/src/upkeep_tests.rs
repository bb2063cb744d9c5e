use super::*;
use alloy_primitives::U256;
use plimsoll_core::RangeFacts;

fn pooled() -> Pooled {
    Pooled {
        base: 0.0,
        fees: 200_000.0,
        rewards: 0.0,
        others: 1_000_000.0,
        variance: 0.16,
        half_width: Some(0.2),
        recentre_cost: 0.001,
        recentre_gas: 1.0,
        running: 0.0,
    }
}

fn at(half_width: f64, offset: f64) -> Facts {
    Facts { range: Some(RangeFacts { half_width, offset }), ..Facts::default() }
}

#[test]
fn a_range_is_laid_anew_when_the_price_has_left_it_and_it_still_pays() {
    let wide = Some(UpkeepKind::Range { half_width: 200_000 });
    assert_eq!(range(&pooled(), &Facts::default(), 0.0, 100.0), wide, "beside a first entry");
    assert_eq!(range(&pooled(), &at(0.2, 0.1), 100.0, 100.0), None, "inside");
    assert_eq!(range(&pooled(), &at(0.2, -0.21), 100.0, 100.0), wide, "left");
    assert_eq!(range(&pooled(), &at(0.1, 0.0), 100.0, 100.0), wide, "another width is better");
    assert_eq!(range(&pooled(), &at(0.2, -0.21), 100.0, 0.0), None, "it is left for good");
    let losing = Pooled { fees: 10_000.0, ..pooled() };
    assert!(losing.apr(100.0) < 0.0);
    assert_eq!(range(&losing, &at(0.2, 0.3), 100.0, 100.0), None, "it would not pay");
}

#[test]
fn exits_by_queue_become_requests_and_pay_for_nothing_now() {
    let market: MarketId = "lido:1:0xa".parse().unwrap();
    let exit = plimsoll_core::Action {
        kind: plimsoll_core::ActionKind::Exit,
        market: market.clone(),
        amount: Amount(U256::from(7)),
    };
    let costs = plimsoll_core::CostModel::default();
    let plan = Plan { exits: vec![exit], ..Plan::nothing(plimsoll_core::Time(0), costs) };
    let target = Target::stay(plimsoll_frame::Reason::Hold).keeping(
        BTreeMap::from([(market.clone(), vec![UpkeepKind::Claim])]),
        [market.clone()].into(),
    );
    let kept = in_order(plan, &target);
    assert!(kept.exits.is_empty() && !kept.is_empty());
    let kinds: Vec<_> = kept.upkeep.iter().map(|each| each.kind).collect();
    let asked = UpkeepKind::RequestExit { amount: Amount(U256::from(7)) };
    assert_eq!(kinds, [asked, UpkeepKind::Claim]);
    let json = serde_json::to_value(&kept).unwrap();
    assert_eq!(json["upkeep"][0]["kind"], "request_exit");
    assert_eq!(serde_json::from_value::<Plan>(json).unwrap(), kept);
}
