// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {FeeToken} from "../local/FeeToken.sol";
import {StakedEth} from "../local/StakedEth.sol";
import {WithdrawalQueue} from "../local/WithdrawalQueue.sol";
import {WrappedStakedEth} from "../local/WrappedStakedEth.sol";
import {Real} from "./Real.sol";

/// @notice The stand-ins for Lido do what Lido does.
contract StandInsTest is Real {
    StakedEth private stEth;
    WrappedStakedEth private wstEth;
    WithdrawalQueue private queue;
    address private constant ALICE = address(0xa11ce);

    function setUp() external {
        (stEth, wstEth, queue) = _makeLido();
        vm.deal(address(this), 100_000 ether);
        stEth.submit{value: 10_000 ether}(address(0));
    }

    receive() external payable {}

    function _one(uint256 value) private pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = value;
    }

    function _ask(uint256 amount) private returns (uint256) {
        stEth.approve(address(queue), amount);
        return queue.requestWithdrawals(_one(amount), address(0))[0];
    }

    function test_rewards_raise_balances_and_a_tenth_goes_to_the_treasury() external {
        _reward(stEth, 100 ether);
        assertEq(stEth.totalSupply(), 10_100 ether);
        assertApproxEqAbs(stEth.balanceOf(address(this)), 10_090 ether, 2);
        assertApproxEqAbs(stEth.balanceOf(TREASURY), 10 ether, 2);
    }

    function test_slashing_lowers_balances() external {
        _slash(stEth, 500 ether);
        assertEq(stEth.balanceOf(address(this)), 9_500 ether);
        assertEq(address(stEth).balance, 9_500 ether);
    }

    function testFuzz_wrapping_and_unwrapping_lose_no_more_than_two_units(uint256 amount, uint256 reward) external {
        _reward(stEth, bound(reward, 1, 1_000 ether));
        amount = bound(amount, 10, 9_000 ether);
        stEth.approve(address(wstEth), amount);
        uint256 got = wstEth.wrap(amount);
        assertEq(got, wstEth.getWstETHByStETH(amount));
        assertApproxEqAbs(wstEth.unwrap(got), amount, 2);
    }

    function test_eth_sent_to_the_wrapper_is_staked_and_wrapped() external {
        _reward(stEth, 1_000 ether);
        (bool done,) = address(wstEth).call{value: 10 ether}("");
        assertTrue(done);
        assertApproxEqAbs(wstEth.getStETHByWstETH(wstEth.balanceOf(address(this))), 10 ether, 2);
        assertEq(wstEth.stEthPerToken(), wstEth.getRate());
        assertEq(wstEth.tokensPerStEth(), wstEth.getWstETHByStETH(1 ether));
    }

    function test_a_request_earns_nothing_while_it_waits() external {
        uint256 id = _ask(100 ether);
        _reward(stEth, 1_000 ether);
        _finalize(stEth, id);
        uint256 before = address(this).balance;
        queue.claimWithdrawal(id);
        assertEq(address(this).balance - before, 100 ether);
    }

    function test_slashing_while_it_waits_lowers_what_a_request_pays() external {
        uint256 id = _ask(100 ether);
        _slash(stEth, 1_000 ether);
        _finalize(stEth, id);
        assertEq(queue.getClaimableEther(_one(id), _one(1))[0], 90 ether);
        _slash(stEth, 1_000 ether);
        uint256 before = address(this).balance;
        queue.claimWithdrawals(_one(id), _one(1));
        assertEq(address(this).balance - before, 90 ether, "not after it was finalized");
    }

    function test_requests_have_a_least_and_a_most() external {
        stEth.approve(address(queue), 2_000 ether);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.RequestAmountTooSmall.selector, 99));
        queue.requestWithdrawals(_one(99), address(0));
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.RequestAmountTooLarge.selector, 1_000 ether + 1));
        queue.requestWithdrawals(_one(1_000 ether + 1), address(0));
    }

    function test_only_the_owner_claims_and_only_once_and_only_when_finalized() external {
        uint256 id = _ask(100 ether);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.RequestNotFoundOrNotFinalized.selector, id));
        queue.claimWithdrawal(id);
        _finalize(stEth, id);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.NotOwner.selector, ALICE, address(this)));
        queue.claimWithdrawal(id);
        queue.claimWithdrawal(id);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.RequestAlreadyClaimed.selector, id));
        queue.claimWithdrawal(id);
        assertTrue(queue.getWithdrawalStatus(_one(id))[0].isClaimed);
    }

    function test_a_request_can_be_passed_on() external {
        uint256 id = _ask(100 ether);
        queue.transferFrom(address(this), ALICE, id);
        assertEq(queue.getWithdrawalRequests(ALICE)[0], id);
        assertEq(queue.getWithdrawalRequests(address(this)).length, 0);
        _finalize(stEth, id);
        vm.prank(ALICE);
        queue.claimWithdrawal(id);
        assertEq(ALICE.balance, 100 ether);
    }

    function testFuzz_hints_find_the_rate_of_each_request(uint256 count, uint256 at) external {
        count = bound(count, 1, 20);
        for (uint256 i = 0; i < count; ++i) {
            uint256 id = _ask(10 ether);
            _slash(stEth, 10 ether);
            _finalize(stEth, id);
        }
        uint256 id_ = bound(at, 1, count);
        uint256[] memory hints = queue.findCheckpointHints(_one(id_), 1, queue.getLastCheckpointIndex());
        assertEq(hints[0], id_, "one finalization each");
        uint256[] memory wrong = _one(id_ == count ? 0 : id_ + 1);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.InvalidHint.selector, wrong[0]));
        queue.claimWithdrawals(_one(id_), wrong);
        queue.claimWithdrawals(_one(id_), hints);
    }

    function testFuzz_the_queue_holds_exactly_what_it_owes(uint256 seed) external {
        uint256 sum;
        for (uint256 i = 0; i < 8; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 id = _ask(bound(seed, 100, 900 ether));
            if (seed & 1 == 1) _reward(stEth, bound(seed >> 8, 1, 100 ether));
            if (seed & 2 == 2) _slash(stEth, bound(seed >> 16, 1, 100 ether));
            if (seed & 4 == 4) _finalize(stEth, id);
        }
        uint256 last = queue.getLastFinalizedRequestId();
        for (uint256 id = 1; id <= last; ++id) {
            uint256 before = address(this).balance;
            queue.claimWithdrawal(id);
            sum += address(this).balance - before;
        }
        assertEq(address(queue).balance, 0, "nothing is left when all have claimed");
        assertEq(queue.getLockedEtherAmount(), 0);
        assertEq(address(stEth).balance, stEth.totalSupply());
        assertEq(last == 0, sum == 0);
    }

    function test_paused_staking_and_a_paused_queue_refuse() external {
        vm.startPrank(REPORTER);
        stEth.setStakingPaused(true);
        queue.setPaused(true);
        vm.stopPrank();
        vm.expectRevert(StakedEth.StakingPaused.selector);
        stEth.submit{value: 1}(address(0));
        stEth.approve(address(queue), 1 ether);
        vm.expectRevert(WithdrawalQueue.ResumedExpected.selector);
        queue.requestWithdrawals(_one(1 ether), address(0));
    }

    function test_a_fee_token_keeps_a_part_of_each_transfer() external {
        FeeToken token = new FeeToken("Fee", "FEE", 18, 100);
        token.mint(address(this), 100);
        token.transfer(ALICE, 100);
        assertEq(token.balanceOf(ALICE), 99);
        assertEq(token.totalSupply(), 99);
    }
}
