// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Leg} from "../src/Types.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {Bank} from "./doubles/Bank.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Everybody who can touch the vault, acting at random, and a memory of what must hold of their acts.
contract Handler is Fixture {
    struct Past {
        uint256 time;
        uint256 part;
    }

    address[3] internal actors = [ALICE, BOB, CAROL];
    Past[] internal losses;
    Past[] internal entries;

    /// @notice First sentence that was broken, or empty.
    string public broken;

    /// @notice Acts that went through, by name, to show that the campaign reaches them.
    mapping(string => uint256) public done;

    function setUp() public override {
        super.setUp();
        _crowd(bankA);
        _crowd(bankB);
        _deposit(ALICE, 1_000_000 * UNIT);
    }

    // What depositors do.

    function deposit(uint256 who, uint256 assets) external {
        if (vault.maxDeposit(ALICE) == 0) return;
        assets = bound(assets, vault.previewMint(1), 1e13);
        uint256 price = _flow();
        (, uint256 high) = _prices();
        bool nothingFades = _nothingFades();
        _deposit(actors[who % 3], assets);
        if (nothingFades) _samePrice(price, "a deposit moved the leaving price");
        (uint256 low, uint256 highAfter) = _prices();
        // An entrant loses less than one share to rounding, which the others gain.
        uint256 most = high + high / 1e9 + high * 2 / (vault.totalSupply() + 1e6) + 1e16;
        if (low > most) _break("a deposit raised leaving above entering");
        if (highAfter > most) _break("a deposit raised the entering price");
        done["deposit"]++;
    }

    function withdraw(uint256 who, uint256 assets) external {
        address actor = actors[who % 3];
        uint256 price = _flow();
        assets = bound(assets, 0, vault.maxWithdraw(actor));
        uint256 before = token.balanceOf(actor);
        vm.prank(actor);
        try vault.withdraw(assets, actor, actor) {
            if (token.balanceOf(actor) - before != assets) _break("withdraw did not pay exactly");
        } catch {
            _break("withdraw refused what maxWithdraw offered");
        }
        _samePrice(price, "a withdrawal moved the leaving price");
        done["withdraw"]++;
    }

    function redeem(uint256 who, uint256 shares) external {
        address actor = actors[who % 3];
        uint256 price = _flow();
        shares = bound(shares, 0, vault.maxRedeem(actor));
        uint256 preview = vault.previewRedeem(shares);
        vm.prank(actor);
        try vault.redeem(shares, actor, actor) returns (uint256 paid) {
            if (paid != preview) _break("redeem did not pay the preview");
        } catch {
            _break("redeem refused what maxRedeem offered");
        }
        _samePrice(price, "a redemption moved the leaving price");
    }

    function redeemUpTo(uint256 who, uint256 shares) external {
        address actor = actors[who % 3];
        uint256 price = _flow();
        shares = bound(shares, 0, vault.balanceOf(actor));
        vm.prank(actor);
        try vault.redeemUpTo(shares, 0) {}
        catch {
            _break("redeemUpTo refused");
        }
        _samePrice(price, "redeemUpTo moved the leaving price");
        done["redeemUpTo"]++;
    }

    function queue(uint256 who, uint256 shares, uint256 act) external {
        address actor = actors[who % 3];
        uint256 price = _flow();
        vm.startPrank(actor);
        if (act % 4 < 2) {
            vault.requestRedeem(bound(shares, 0, vault.balanceOf(actor)));
        } else if (act % 4 == 2) {
            vault.cancelRedeem();
        } else {
            vault.payQueue();
            vault.claimRedeem(actor);
        }
        vm.stopPrank();
        _samePrice(price, "the queue moved the leaving price");
        done["queue"]++;
    }

    function leaveInKind(uint256 who, uint256 shares) external {
        address actor = actors[who % 3];
        shares = bound(shares, 0, vault.balanceOf(actor) / 4);
        uint256 price = _flow();
        uint256 cash = vault.previewRedeem(shares);
        (uint256 a, uint256 b) = (bankA.balanceOf(actor), bankB.balanceOf(actor));
        vm.prank(actor);
        uint256 idle = vault.redeemInKind(shares, actor, actor, new address[](0));
        if (!bankA.broken() && !bankB.broken() && _sound()) {
            uint256 kind = idle + bankA.convertToAssets(bankA.balanceOf(actor) - a)
                + bankB.convertToAssets(bankB.balanceOf(actor) - b);
            if (kind > cash + 10) _break("leaving in kind beat leaving in cash");
        }
        _samePrice(price, "leaving in kind moved the leaving price");
        done["leaveInKind"]++;
    }

    function roundTrip(uint256 assets, uint256 kind, uint256 size) external {
        if (vault.maxDeposit(BOB) == 0) return;
        address sniper = address(0x517e);
        assets = bound(assets, vault.previewMint(1), 1e13);
        _deposit(sniper, assets);
        if (kind % 4 == 0) gain(kind, size);
        if (kind % 4 == 1) lose(kind, size);
        if (kind % 4 == 2) gift(kind, size);
        if (kind % 4 == 3) vault.settle();
        uint256 shares = vault.balanceOf(sniper);
        vm.prank(sniper);
        (uint256 paid,) = vault.redeemUpTo(shares, 0);
        if (paid > assets) _break("a round trip made money");
        uint256 rest = vault.balanceOf(sniper);
        if (rest != 0) {
            vm.prank(sniper);
            vault.transfer(ALICE, rest);
        }
        done["roundTrip"]++;
    }

    // What the allocator does.

    function enter(uint256 which, uint256 assets) external {
        (address market, Bank bank) = _market(which);
        (, uint256 low,,,) = vault.value();
        assets = bound(assets, 0, low / 2 + 1);
        uint256 worthBefore = _holding(market, bank);
        if (_attempt(_one(_enterLeg(market, assets)), assets)) {
            (uint128 absolute, uint16 relative,,) = vault.marketRules(market);
            (uint256 gross,,,,) = vault.value();
            uint256 worth = _holding(market, bank);
            if (worth > worthBefore && (worth > absolute || worth > gross * relative / 10_000 + 1)) {
                _break("an entry broke a cap");
            }
            if (vault.entriesPaused()) _break("an entry while paused");
            if (assets != 0 && vault.idle() < vault.convertToAssets(vault.queueShares())) {
                _break("an entry took the queue's money");
            }
            done["enter"]++;
        }
    }

    function exit(uint256 which, uint256 assets) external {
        (address market, Bank bank) = _market(which);
        assets = bound(assets, 0, _holding(market, bank));
        if (_attempt(_one(_exitLeg(market, assets)), 0)) done["exit"]++;
    }

    function _attempt(Leg[] memory legs, uint256 entered) private returns (bool ok) {
        vault.settle();
        (uint256 gross,,,,) = vault.value();
        bytes32 expected = vault.preStateHash();
        bytes32 planId = _nextPlan();
        vm.prank(ALLOCATOR);
        try vault.reallocate(planId, uint64(block.timestamp), expected, legs) {
            ok = true;
        } catch {
            return false;
        }
        (uint256 afterwards,,,,) = vault.value();
        if (gross == 0) return ok;
        if (afterwards < gross) losses.push(Past(block.timestamp, (gross - afterwards) * 1e18 / gross));
        entries.push(Past(block.timestamp, entered * 1e18 / gross));
    }

    // What the world does.

    function gain(uint256 which, uint256 size) public {
        (, Bank bank) = _market(which);
        token.mint(address(bank), bound(size, 0, bank.totalSupply() / 100));
        done["gain"]++;
    }

    function lose(uint256 which, uint256 size) public {
        (, Bank bank) = _market(which);
        bank.lose(bound(size, 0, token.balanceOf(address(bank)) / 20));
        done["lose"]++;
    }

    function gift(uint256 which, uint256 size) public {
        (address market, Bank bank) = _market(which);
        if (bank.broken()) return;
        // A fee that others pay for entering the bank is a gain of those in it, not a gift.
        uint256 entryFee = bank.entryFeeBps();
        bank.setEntryFee(0);
        (uint256 low, uint256 high) = _prices();
        size = bound(size, 1, 1e13);
        token.mint(address(vault), size);
        token.mint(market, size);
        token.mint(address(this), size);
        token.approve(address(bank), size);
        bank.deposit(size, market);
        bank.setEntryFee(entryFee);
        (uint256 lowAfter, uint256 highAfter) = _prices();
        if (lowAfter > low + low / 1e9 + 1e16 || highAfter > high + high / 1e9 + 1e16) _break("a gift moved a price");
        done["gift"]++;
    }

    function wait(uint256 time) external {
        skip(bound(time, 0, 2 days));
    }

    function settle() external {
        uint256 low = vault.totalAssets();
        vault.settle();
        if (vault.totalAssets() != low) _break("settling changed the value it settled");
    }

    function liquidity(uint256 which, uint256 size) external {
        (, Bank bank) = _market(which);
        bank.setLiquid(size % 3 == 0 ? bound(size, 0, 1e12) : MAX);
    }

    function exitCosts(uint256 which, uint256 bps) external {
        (, Bank bank) = _market(which);
        bank.setEntryFee(bps % 12);
    }

    // What guardian, curator and owner do.

    function mark(uint256 which, uint256 bps) external {
        (address market,) = _market(which);
        vm.prank(GUARDIAN);
        vault.setMark(market, bps % 3 == 0 ? uint16(bound(bps, 0, 5_000)) : 0);
        done["mark"]++;
    }

    function pause(uint256 on) external {
        vm.startPrank(GUARDIAN);
        if (on % 4 == 0) vault.pauseEntries();
        else vault.resumeEntries();
        vm.stopPrank();
    }

    function caps(uint256 which, uint128 absolute, uint16 relative, uint256 act) external {
        (address market,) = _market(which);
        absolute = uint128(bound(absolute, 1e11, 1e14));
        relative = uint16(bound(relative, 2_000, 10_000));
        if (act % 5 == 0) {
            vm.prank(GUARDIAN);
            vault.zeroCaps(market);
        } else {
            vm.startPrank(CURATOR);
            vault.submit(abi.encodeCall(vault.raiseCaps, (market, absolute, relative)));
            skip(1 days);
            vault.raiseCaps(market, absolute, relative);
            vm.stopPrank();
        }
        done["caps"]++;
    }

    function unreadable(uint256 which, uint256 on) external {
        (, Bank bank) = _market(which);
        bank.setBroken(on % 4 == 0);
    }

    function fee(uint256 bps) external {
        _delayed(OWNER, abi.encodeCall(vault.setFee, (bps % 2_001, address(0xfee))));
        done["fee"]++;
    }

    // What the invariants ask.

    /// @notice Returns the most that the allocator lost in any window that ends with a loss.
    function worstLoss(uint256 window) external view returns (uint256) {
        return _worst(losses, window);
    }

    /// @notice Returns the most that the allocator entered in any window that ends with an entry.
    function worstTurnover(uint256 window) external view returns (uint256) {
        return _worst(entries, window);
    }

    /// @notice Fails if what the vault claims is not there.
    function checkSolvency() external view {
        assertGe(token.balanceOf(address(vault)), vault.idle() + vault.reserved(), "counted money is there");
        (uint256 gross, uint256 low, uint256 high, uint256 supply,) = vault.value();
        assertLe(low, gross, "leaving is priced low");
        assertLe(gross, high, "entering is priced high");
        uint256 held = vault.idle();
        if (!bankA.broken()) held += bankA.convertToAssets(bankA.balanceOf(marketA));
        if (!bankB.broken()) held += bankB.convertToAssets(bankB.balanceOf(marketB));
        assertLe(gross, held, "what is counted is there");
        assertLe(vault.convertToAssets(supply), low + 1, "all claims fit into what leaving is priced at");
        assertEq(vault.balanceOf(address(vault)), vault.queueShares(), "the queue's shares are there");
        uint256 owed;
        for (uint256 i = 0; i < 3; ++i) {
            (, uint256 assets) = vault.queued(actors[i]);
            owed += assets;
        }
        assertLe(owed, vault.reserved(), "what the queue was paid is there");
    }

    function _worst(Past[] storage list, uint256 window) private view returns (uint256 worst) {
        for (uint256 i = 0; i < list.length; ++i) {
            uint256 sum;
            for (uint256 j = i + 1; j > 0; --j) {
                if (list[j - 1].time + window <= list[i].time) break;
                sum += list[j - 1].part;
            }
            if (sum > worst) worst = sum;
        }
    }

    function _flow() private returns (uint256 price) {
        vault.settle();
        (price,) = _prices();
    }

    function _samePrice(uint256 price, string memory what) private {
        (uint256 low,) = _prices();
        uint256 whole = vault.totalAssets();
        // Rounding of a few units, beside what one unit is of the whole.
        uint256 slack = price * 40 / (whole + 1) + price / 1e6 + 1;
        if (whole > 1e6 && _sound() && (low + slack < price || low > price + slack)) _break(what);
    }

    function _nothingFades() private view returns (bool) {
        (uint256 gross,, uint256 high,,) = vault.value();
        return gross == high;
    }

    function _sound() private view returns (bool sound) {
        (,,,, sound) = vault.value();
    }

    function _market(uint256 which) private view returns (address, Bank) {
        return which % 2 == 0 ? (marketA, bankA) : (marketB, bankB);
    }

    function _holding(address market, Bank bank) private view returns (uint256) {
        return bank.broken() ? 0 : IMarket(market).totalAssets();
    }

    function _break(string memory what) private {
        if (bytes(broken).length == 0) broken = what;
    }
}
