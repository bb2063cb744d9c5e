// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Fading} from "../src/libraries/Fading.sol";
import {LeakyBucket} from "../src/libraries/LeakyBucket.sol";

contract LibrariesTest is Test {
    using Fading for Fading.Faded;
    using LeakyBucket for LeakyBucket.Bucket;

    LeakyBucket.Bucket private bucket;

    function pour(uint256 amount, uint256 size, uint256 period) external {
        bucket.pour(amount, size, period);
    }

    function testFuzz_no_window_lets_through_more_than_twice_the_size(uint256[20] memory steps, uint256 size) external {
        vm.warp(1_800_000_000);
        size = bound(size, 1, 1e18);
        uint256[20] memory times;
        uint256[20] memory poured;
        for (uint256 i = 0; i < 20; ++i) {
            skip(steps[i] % 8 hours);
            uint256 amount = bound(steps[i] / 8 hours, 0, size);
            try this.pour(amount, size, 1 days) {
                poured[i] = amount;
            } catch {}
            times[i] = block.timestamp;
            uint256 sum;
            for (uint256 j = 0; j <= i; ++j) {
                if (times[j] + 1 days > times[i]) sum += poured[j];
            }
            assertLe(sum, 2 * size);
        }
    }

    function test_a_full_bucket_is_empty_after_its_period() external {
        vm.warp(1_800_000_000);
        bucket.pour(100, 100, 1 days);
        assertEq(bucket.fill(100, 1 days), 100);
        skip(12 hours);
        assertEq(bucket.fill(100, 1 days), 50);
        vm.expectRevert(abi.encodeWithSelector(LeakyBucket.BucketFull.selector, 50, 51, 100));
        this.pour(51, 100, 1 days);
        skip(12 hours);
        assertEq(bucket.fill(100, 1 days), 0);
    }

    function testFuzz_what_fades_is_never_ahead_of_the_line(uint128 amount, uint256 period, uint256 time) external {
        vm.warp(1_800_000_000);
        period = bound(period, 1 hours, 30 days);
        time = bound(time, 0, period);
        Fading.Faded memory faded = Fading.Faded(0, uint40(block.timestamp), 0);
        faded.add(amount, period);
        skip(time);
        uint256 left = faded.current().amount;
        assertGe(left * period, uint256(amount) * (period - time));
        assertLe(left, uint256(amount));
        skip(period - time);
        assertEq(faded.current().amount, 0);
    }

    function testFuzz_looking_often_does_not_change_the_line(uint128 amount, uint256[8] memory steps) external {
        vm.warp(1_800_000_000);
        Fading.Faded memory often = Fading.Faded(0, uint40(block.timestamp), 0);
        often.add(amount, 30 days);
        Fading.Faded memory once = Fading.Faded(often.amount, often.since, often.left);
        for (uint256 i = 0; i < 8; ++i) {
            skip(steps[i] % 3 days);
            often = often.current();
        }
        assertApproxEqAbs(often.amount, once.current().amount, 8);
    }

    function test_a_small_gain_added_often_does_not_stretch_the_line() external {
        vm.warp(1_800_000_000);
        Fading.Faded memory faded = Fading.Faded(0, uint40(block.timestamp), 0);
        faded.add(1e12, 1 days);
        for (uint256 i = 0; i < 1_000; ++i) {
            faded.add(1, 1 days);
            if (i % 100 == 0) skip(1 minutes);
            faded = faded.current();
        }
        skip(1 days - 10 minutes + 1);
        assertEq(faded.current().amount, 0);
    }

    function test_cancelling_takes_what_is_there_and_says_what_is_missing() external pure {
        Fading.Faded memory faded = Fading.Faded(10, 0, 1);
        assertEq(faded.cancel(4), 0);
        assertEq(faded.cancel(10), 4);
        assertEq(faded.amount, 0);
    }
}
