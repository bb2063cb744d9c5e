// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bounds, Config} from "../src/Types.sol";
import {Vault} from "../src/Vault.sol";
import {IVaultEvents} from "../src/interfaces/IVaultEvents.sol";
import {Erc4626Market} from "../src/markets/Erc4626Market.sol";
import {Bank} from "./doubles/Bank.sol";
import {Token} from "./doubles/Tokens.sol";
import {Fixture} from "./Fixture.sol";

contract RulesTest is Fixture {
    function _fresh() private returns (address) {
        return address(new Erc4626Market(address(vault), address(token), address(new Bank(token))));
    }

    function test_before_anyone_holds_shares_nothing_waits() external {
        address market = _fresh();
        _list(market, 7, 9);
        (uint128 absolute, uint16 relative,, bool listed) = vault.marketRules(market);
        assertEq(absolute, 7);
        assertEq(relative, 9);
        assertTrue(listed);
        assertEq(vault.markets().length, 3);
    }

    function test_a_market_joins_only_after_the_delay() external {
        _deposit(ALICE, UNIT);
        bytes memory call = abi.encodeCall(vault.listMarket, (_fresh(), 1, 1));
        bytes32 id = keccak256(call);
        vm.startPrank(CURATOR);
        vm.expectEmit(address(vault));
        emit IVaultEvents.Submitted(id, call, block.timestamp + 1 days);
        vault.submit(call);
        skip(1 days - 1);
        (bool done, bytes memory why) = address(vault).call(call);
        assertFalse(done);
        assertEq(why, abi.encodeWithSelector(IVaultEvents.NotReady.selector, id, block.timestamp + 1));
        skip(1);
        (done,) = address(vault).call(call);
        assertTrue(done);
        (done, why) = address(vault).call(call);
        assertEq(why, abi.encodeWithSelector(IVaultEvents.NotSubmitted.selector, id));
    }

    function test_a_change_submitted_while_empty_waits_once_somebody_came() external {
        bytes memory call = abi.encodeCall(vault.setAllocator, (CAROL));
        vm.prank(OWNER);
        vault.submit(call);
        _deposit(ALICE, UNIT);
        vm.startPrank(OWNER);
        vm.expectPartialRevert(IVaultEvents.NotReady.selector);
        vault.setAllocator(CAROL);
        skip(3 days);
        vault.setAllocator(CAROL);
        assertEq(vault.allocator(), CAROL);
    }

    function test_a_change_lapses() external {
        bytes memory call = abi.encodeCall(vault.setOwner, (CAROL));
        vm.startPrank(OWNER);
        vault.submit(call);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.AlreadySubmitted.selector, keccak256(call)));
        vault.submit(call);
        skip(3 days + 14 days + 1);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.Lapsed.selector, keccak256(call), block.timestamp - 1));
        vault.setOwner(CAROL);
        vault.submit(call);
        skip(3 days);
        vault.setOwner(CAROL);
        assertEq(vault.owner(), CAROL);
    }

    function test_every_role_can_be_handed_on() external {
        _delayed(OWNER, abi.encodeCall(vault.setCurator, (address(1))));
        _delayed(OWNER, abi.encodeCall(vault.setGuardian, (address(2))));
        _delayed(OWNER, abi.encodeCall(vault.setAllocator, (address(3))));
        _delayed(OWNER, abi.encodeCall(vault.setOwner, (address(4))));
        assertEq(vault.curator(), address(1));
        assertEq(vault.guardian(), address(2));
        assertEq(vault.allocator(), address(3));
        assertEq(vault.owner(), address(4));
    }

    function test_the_allocator_can_hold_no_other_role() external {
        bytes[4] memory calls = [
            abi.encodeCall(vault.setCurator, (ALLOCATOR)),
            abi.encodeCall(vault.setGuardian, (ALLOCATOR)),
            abi.encodeCall(vault.setOwner, (ALLOCATOR)),
            abi.encodeCall(vault.setAllocator, (GUARDIAN))
        ];
        for (uint256 i = 0; i < 4; ++i) {
            vm.startPrank(OWNER);
            vault.submit(calls[i]);
            (bool done, bytes memory why) = address(vault).call(calls[i]);
            assertFalse(done);
            assertEq(bytes4(why), IVaultEvents.RoleTaken.selector);
            vm.stopPrank();
        }
        Config memory config = _config(address(token), _bounds());
        config.allocator = config.owner;
        vm.expectPartialRevert(IVaultEvents.RoleTaken.selector);
        new Vault(config);
    }

    function test_the_guardian_revokes_what_is_pending_but_not_its_own_replacement() external {
        bytes memory call = abi.encodeCall(vault.listMarket, (_fresh(), 1, 1));
        vm.prank(CURATOR);
        vault.submit(call);
        vm.prank(GUARDIAN);
        vm.expectEmit(address(vault));
        emit IVaultEvents.Revoked(keccak256(call), GUARDIAN);
        vault.revoke(call);
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.NotSubmitted.selector, keccak256(call)));
        vault.revoke(call);

        bytes memory replace = abi.encodeCall(vault.setGuardian, (CAROL));
        vm.prank(OWNER);
        vault.submit(replace);
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.NotRevocable.selector, vault.setGuardian.selector));
        vault.revoke(replace);
        vm.prank(CURATOR);
        vm.expectPartialRevert(IVaultEvents.NotRole.selector);
        vault.revoke(replace);
        vm.prank(OWNER);
        vault.revoke(replace);
        assertEq(vault.submittedAt(keccak256(replace)), 0);
    }

    function test_only_the_role_submits_and_only_what_waits() external {
        bytes memory call = abi.encodeCall(vault.setOwner, (CAROL));
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.NotRole.selector, CURATOR, OWNER));
        vm.prank(CURATOR);
        vault.submit(call);
        bytes memory other = abi.encodeCall(vault.pauseEntries, ());
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.NotDelayed.selector, vault.pauseEntries.selector));
        vm.prank(OWNER);
        vault.submit(other);
    }

    function test_caps_fall_at_once_and_rise_after_the_delay() external {
        _deposit(ALICE, UNIT);
        vm.startPrank(CURATOR);
        vault.lowerCaps(marketA, 5, 5);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.CapsRaised.selector, marketA));
        vault.lowerCaps(marketA, 6, 5);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.CapsRaised.selector, marketA));
        vault.lowerCaps(marketA, 5, 6);
        vm.expectPartialRevert(IVaultEvents.NotSubmitted.selector);
        vault.raiseCaps(marketA, 6, 6);
        vm.stopPrank();
        _delayed(CURATOR, abi.encodeCall(vault.raiseCaps, (marketA, 6, 6)));
        (uint128 absolute, uint16 relative,,) = vault.marketRules(marketA);
        assertEq(absolute, 6);
        assertEq(relative, 6);
        vm.prank(GUARDIAN);
        vault.zeroCaps(marketA);
        (absolute, relative,,) = vault.marketRules(marketA);
        assertEq(absolute + relative, 0);
        vm.prank(CURATOR);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.NotListed.selector, CAROL));
        vault.lowerCaps(CAROL, 0, 0);
    }

    function test_the_guardian_pauses_and_guardian_or_owner_resumes() external {
        _deposit(ALICE, UNIT);
        vm.prank(GUARDIAN);
        vault.pauseEntries();
        assertTrue(vault.entriesPaused());
        vm.prank(OWNER);
        vm.expectPartialRevert(IVaultEvents.NotSubmitted.selector);
        vault.resumeEntries();
        _delayed(OWNER, abi.encodeCall(vault.resumeEntries, ()));
        assertFalse(vault.entriesPaused());
        vm.startPrank(GUARDIAN);
        vault.pauseEntries();
        vault.resumeEntries();
        assertFalse(vault.entriesPaused());
        vm.stopPrank();
        vm.prank(CURATOR);
        vm.expectPartialRevert(IVaultEvents.NotRole.selector);
        vault.resumeEntries();
    }

    function test_what_cannot_be_listed() external {
        Token other = new Token(6);
        address foreign = address(new Erc4626Market(address(vault), address(other), address(new Bank(other))));
        address strange = address(new Erc4626Market(address(this), address(token), address(new Bank(token))));
        address[4] memory bad = [foreign, strange, marketA, CAROL];
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory call = abi.encodeCall(vault.listMarket, (bad[i], 1, 1));
            vm.startPrank(CURATOR);
            vault.submit(call);
            (bool done, bytes memory why) = address(vault).call(call);
            vm.stopPrank();
            assertFalse(done);
            assertEq(why, abi.encodeWithSelector(IVaultEvents.CannotList.selector, bad[i]));
        }
        for (uint256 i = 0; i < 10; ++i) {
            _list(_fresh(), 1, 1);
        }
        bytes memory last = abi.encodeCall(vault.listMarket, (_fresh(), 1, 1));
        vm.startPrank(CURATOR);
        vault.submit(last);
        (bool ok, bytes memory reason) = address(vault).call(last);
        assertFalse(ok);
        assertEq(reason, abi.encodeWithSelector(IVaultEvents.TooManyMarkets.selector, 12));
    }

    function test_an_empty_market_leaves_at_once_a_full_one_only_by_the_owner() external {
        _deposit(ALICE, 100 * UNIT);
        _enterMarket(marketA, 50 * UNIT);
        vm.startPrank(GUARDIAN);
        vault.zeroCaps(marketA);
        vault.zeroCaps(marketB);
        vm.stopPrank();
        vm.startPrank(CURATOR);
        vault.removeMarket(marketB);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.MarketInUse.selector, marketA, 50 * UNIT));
        vault.removeMarket(marketA);
        bankA.setBroken(true);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.NotRole.selector, CURATOR, OWNER));
        vault.removeMarket(marketA);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.NotListed.selector, CAROL));
        vault.removeMarket(CAROL);
        vm.stopPrank();
        assertEq(vault.maxDeposit(BOB), 0);
        _delayed(OWNER, abi.encodeCall(vault.removeMarket, (marketA)));
        assertEq(vault.markets().length, 0);
        assertGt(vault.maxDeposit(BOB), 0, "a market that never reads again does not close entering for ever");
        assertEq(vault.totalAssets(), 50 * UNIT);
        bankA.setBroken(false);
        _list(marketA, 0, 0);
        skip(5 days);
        vault.settle();
        skip(2 days);
        assertEq(vault.totalAssets(), 100 * UNIT, "listed again, what it holds comes back");
    }

    function test_removing_keeps_the_order_of_the_others() external {
        address marketC = _fresh();
        _list(marketC, 0, 0);
        vm.prank(GUARDIAN);
        vault.zeroCaps(marketA);
        vm.prank(CURATOR);
        vault.removeMarket(marketA);
        address[] memory left = vault.markets();
        assertEq(left.length, 2);
        assertEq(left[0], marketC);
        assertEq(left[1], marketB);
    }

    function test_settings_have_limits_that_nobody_can_pass() external {
        Bounds[4] memory bad =
            [Bounds(10_001, 0, 0, 0), Bounds(0, 101, 0, 0), Bounds(0, 0, 101, 0), Bounds(0, 0, 0, 501)];
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory call = abi.encodeCall(vault.setBounds, (bad[i]));
            vm.startPrank(OWNER);
            vault.submit(call);
            (bool done, bytes memory why) = address(vault).call(call);
            vm.stopPrank();
            assertFalse(done);
            assertEq(bytes4(why), IVaultEvents.OutOfRange.selector);
        }
        _delayed(OWNER, abi.encodeCall(vault.setBounds, (Bounds(1, 2, 3, 4))));
        (uint16 a, uint16 b, uint16 c, uint16 d) = vault.bounds();
        assertEq(uint256(a) + b + c + d, 10);

        Config memory config = _config(address(token), _bounds());
        config.ownerDelay = 1 hours - 1;
        vm.expectPartialRevert(IVaultEvents.OutOfRange.selector);
        new Vault(config);
        config = _config(address(token), _bounds());
        config.curatorDelay = 31 days;
        vm.expectPartialRevert(IVaultEvents.OutOfRange.selector);
        new Vault(config);
        config = _config(address(token), _bounds());
        config.fadePeriod = 1;
        vm.expectPartialRevert(IVaultEvents.OutOfRange.selector);
        new Vault(config);
    }

    function test_a_personal_vault_takes_deposits_for_one_account() external {
        Config memory config = _config(address(token), _bounds());
        config.soleDepositor = ALICE;
        vault = new Vault(config);
        assertEq(vault.maxDeposit(BOB), 0);
        assertEq(vault.maxMint(BOB), 0);
        assertGt(vault.maxDeposit(ALICE), 0);
        _deposit(ALICE, UNIT);
        assertEq(_redeemAll(ALICE), UNIT);
    }

    function testFuzz_nobody_moves_the_pre_state_hash_without_a_role(uint256 amount) external {
        amount = bound(amount, 1, 1e12);
        bytes32 before = vault.preStateHash();
        _deposit(ALICE, amount);
        token.mint(address(vault), amount);
        token.mint(address(bankA), amount);
        skip(1 days);
        vault.settle();
        _redeemAll(ALICE);
        assertEq(vault.preStateHash(), before);
        vm.prank(GUARDIAN);
        vault.pauseEntries();
        bytes32 paused = vault.preStateHash();
        assertNotEq(paused, before);
        vm.prank(GUARDIAN);
        vault.zeroCaps(marketA);
        assertNotEq(vault.preStateHash(), paused);
    }
}
