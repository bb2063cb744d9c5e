use super::*;
use alloy::primitives::B256;
use plimsoll_core::execution::BlockRef;
use plimsoll_execute::chain::Head;
use std::num::NonZeroU64;

fn hash(number: u64) -> B256 {
    B256::with_last_byte(u8::try_from(number).unwrap() + 1)
}

/// Blocks of 1,000 seconds each.
fn headers(range: std::ops::RangeInclusive<u64>) -> Vec<Headed> {
    let head = |number: u64| Head {
        block: BlockRef { number, hash: hash(number) },
        parent: number.checked_sub(1).map_or(B256::ZERO, hash),
        timestamp: 1_000 * number,
        base_fee: 0,
    };
    range.map(|number| Headed { head: head(number), bloom: None }).collect()
}

fn read_at(every: Every, first: u64, cuts: &[std::ops::RangeInclusive<u64>]) -> Vec<u64> {
    let mut found = Vec::new();
    for cut in cuts {
        let before = cut.start().checked_sub(1);
        let before = before.map(|number| Before { hash: hash(number), time: 1_000 * number });
        let headers = headers(cut.clone());
        found.extend(wanted(every, first, &headers, before).iter().map(|it| it.head.block.number));
    }
    found
}

#[test]
fn the_blocks_at_which_markets_are_read_do_not_depend_on_where_parts_end() {
    let three = Every::Blocks(NonZeroU64::new(3).unwrap());
    assert_eq!(read_at(three, 2, &[2..=12]), [2, 5, 8, 11]);
    assert_eq!(read_at(three, 2, &[2..=4, 5..=6, 7..=12]), [2, 5, 8, 11]);
    // An hour holds 3.6 blocks: the first of each, and the first of all.
    let hour = Every::Seconds(NonZeroU64::new(3_600).unwrap());
    assert_eq!(read_at(hour, 2, &[2..=12]), [2, 4, 8, 11]);
    assert_eq!(read_at(hour, 2, &[2..=3, 4..=4, 5..=12]), [2, 4, 8, 11]);
    assert_eq!(read_at(hour, 0, &[0..=5]), [0, 4]);
}

#[test]
fn a_header_that_does_not_follow_is_found() {
    let before = Some(Before { hash: hash(4), time: 0 });
    assert!(follow(&headers(5..=9), before).is_ok());
    let mut broken = headers(5..=9);
    broken[2].head.parent = B256::ZERO;
    let error = follow(&broken, before).unwrap_err().to_string();
    assert!(error.contains("block 7 has parent"), "{error}");
    let lacking = [headers(5..=6), headers(8..=9)].concat();
    assert!(follow(&lacking, before).is_err(), "a block is left out");
    let error = follow(&headers(6..=9), before).unwrap_err().to_string();
    assert!(error.contains("block 6"), "{error}");
}
