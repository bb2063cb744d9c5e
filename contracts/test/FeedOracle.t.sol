// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {PriceFeed} from "../local/PriceFeed.sol";
import {FeedOracle} from "../src/oracles/FeedOracle.sol";
import {Token} from "./doubles/Tokens.sol";

contract FeedOracleTest is Test {
    Token private ether_;
    Token private cash;
    PriceFeed private base;
    PriceFeed private over;
    FeedOracle private oracle;

    function setUp() external {
        vm.warp(1_800_000_000);
        (ether_, cash) = (new Token(18), new Token(6));
        base = new PriceFeed("ETH / USD", 8, 2_000e8);
        over = new PriceFeed("USDC / USD", 6, 0.5e6);
        oracle = new FeedOracle(address(ether_), address(cash), _base(), _over(), 100);
    }

    function _base() private view returns (FeedOracle.Feed memory) {
        return FeedOracle.Feed(address(base), 1 hours, 100e8, 10_000e8);
    }

    function _over() private view returns (FeedOracle.Feed memory) {
        return FeedOracle.Feed(address(over), 1 days, 0.4e6, 2e6);
    }

    function _none() private pure returns (FeedOracle.Feed memory none) {}

    function test_two_feeds_make_the_first_over_the_second_with_a_band_on_both_sides() external view {
        (uint256 low, uint256 high, bool fresh) = oracle.quote(3 ether);
        assertEq(low, 11_880e6, "3 at 2,000 over 0.5, less 1 %");
        assertEq(high, 12_120e6);
        assertTrue(fresh);
        assertEq(oracle.bandBps(), 100);
        (FeedOracle.Feed memory a, FeedOracle.Feed memory b) = oracle.feeds();
        assertEq(a.feed, address(base));
        assertEq(b.feed, address(over));
    }

    function test_one_feed_prices_in_the_asset_itself() external {
        FeedOracle alone = new FeedOracle(address(cash), address(ether_), _base(), _none(), 0);
        (uint256 low, uint256 high, bool fresh) = alone.quote(1e6);
        assertEq(low, 2_000e18);
        assertEq(high, 2_000e18);
        assertTrue(fresh);
    }

    function test_an_answer_is_fresh_up_to_its_heartbeat_of_either_feed() external {
        skip(1 hours);
        (,, bool fresh) = oracle.quote(1);
        assertTrue(fresh);
        skip(1);
        (,, fresh) = oracle.quote(1);
        assertFalse(fresh);
        skip(23 hours);
        base.post(2_000e8);
        (,, fresh) = oracle.quote(1);
        assertFalse(fresh, "the other feed is a day and a second old");
        over.post(0.5e6);
        (,, fresh) = oracle.quote(1);
        assertTrue(fresh);
        base.postAt(2_000e8, block.timestamp + 1);
        (,, fresh) = oracle.quote(1);
        assertFalse(fresh, "an answer from the future");
    }

    function test_an_answer_outside_its_limits_is_taken_to_the_limit_and_not_fresh() external {
        int256[4] memory answers = [int256(99e8), 10_001e8, 0, -5];
        uint256[4] memory worths = [uint256(198e6), 19_800e6, 198e6, 198e6];
        for (uint256 i = 0; i < 4; ++i) {
            base.post(answers[i]);
            (uint256 low,, bool fresh) = oracle.quote(1 ether);
            assertEq(low, worths[i]);
            assertFalse(fresh);
        }
    }

    function test_a_feed_that_fails_counts_as_what_makes_the_token_worth_least() external {
        vm.mockCallRevert(address(base), abi.encodeWithSignature("latestRoundData()"), "no");
        (uint256 low,, bool fresh) = oracle.quote(1 ether);
        assertEq(low, 198e6);
        assertFalse(fresh);
        vm.mockCallRevert(address(over), abi.encodeWithSignature("latestRoundData()"), "no");
        (low,, fresh) = oracle.quote(1 ether);
        assertEq(low, 49.5e6);
        assertFalse(fresh);
    }

    function test_settings_that_make_no_sense_are_refused() external {
        vm.expectRevert(FeedOracle.BadSetting.selector);
        new FeedOracle(address(ether_), address(cash), _base(), _over(), 5_000);
        FeedOracle.Feed memory bad = _base();
        bad.minimum = 0;
        vm.expectRevert(FeedOracle.BadSetting.selector);
        new FeedOracle(address(ether_), address(cash), bad, _over(), 1);
        bad = _base();
        bad.maximum = bad.minimum - 1;
        vm.expectRevert(FeedOracle.BadSetting.selector);
        new FeedOracle(address(ether_), address(cash), _base(), bad, 1);
        bad = _over();
        bad.heartbeat = 0;
        vm.expectRevert(FeedOracle.BadSetting.selector);
        new FeedOracle(address(ether_), address(cash), _base(), bad, 1);
    }

    function testFuzz_low_and_high_round_away_from_each_other(uint256 amount, uint256 price) external {
        base.post(int256(bound(price, 100e8, 10_000e8)));
        (uint256 low, uint256 high,) = oracle.quote(bound(amount, 1, 1e36));
        assertLe(low, high);
        assertGt(high, 0);
    }
}
