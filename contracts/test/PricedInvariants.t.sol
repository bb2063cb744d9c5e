// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {LegKind} from "../src/Types.sol";
import {PricedMarket} from "../src/markets/PricedMarket.sol";
import {EthFixture, PricedFixture, UsdFixture} from "./PricedFixture.sol";

/// @notice What people and keys do at random, each with the change of the vault's worth that it may cause.
abstract contract PricedHandler is PricedFixture {
    address[3] internal people = [ALICE, BOB, CAROL];
    uint256 public fees;
    uint256 public rewards;
    uint256 public costs;
    uint256 public entries;
    uint256 public exits;
    uint256 public refused;

    /// @dev The market that `seed` picks.
    function _market(uint256 seed) internal view virtual returns (PricedMarket);

    /// @dev By how much a move may raise the worth because a protocol learns of what was known before.
    function _learnt(uint256) internal view virtual returns (uint256) {
        return _dust();
    }

    /// @dev One whole of the asset.
    function _whole() internal view virtual returns (uint256);

    function _gross() internal view returns (uint256 gross) {
        (gross,,,,) = vault.value();
    }

    function _dust() internal view returns (uint256) {
        return 1e3 + _gross() / 1e12;
    }

    /// @dev What rounding may take off the worth of a share: a billionth, and twenty units of the asset spread over all
    /// shares, which in a small vault is more.
    function _rounding(uint256 price) internal view returns (uint256) {
        return price / 1e9 + 1e12 + 20 * 1e27 / vault.totalSupply();
    }

    /// @dev Worth of both markets changes by no more than rounding.
    function _assertSame(uint256 before, string memory why) internal view {
        assertApproxEqAbs(_gross(), before, _dust(), why);
    }

    function deposit(uint256 who, uint256 assets) external {
        uint256 before = _gross();
        assets = bound(assets, 1, 20_000 * _whole());
        address person = people[who % 3];
        if (vault.maxDeposit(person) < assets || vault.previewDeposit(assets) == 0) return;
        _deposit(person, assets);
        _assertSame(before + assets, "a deposit brings what it brings");
    }

    function leave(uint256 who, uint256 part) external {
        address person = people[who % 3];
        uint256 shares = vault.balanceOf(person) * bound(part, 0, 1e18) / 1e18;
        (uint256 before,, uint256 high,,) = vault.value();
        (uint256 worth,) = _sharePrices();
        uint256 had = asset.balanceOf(person);
        vm.prank(person);
        vault.redeemUpTo(shares, 0);
        uint256 got = asset.balanceOf(person) - had;
        assertLe(got, shares * (worth + 1) / 1e27 + 2, "no more than the leaving price");
        (uint256 after_,) = _sharePrices();
        if (vault.totalSupply() > 1e9) assertGe(after_ + _rounding(after_), worth, "nor at the cost of who stays");
        assertLe(_gross() + got, high + before / 10, "what an exit gains is within the two values");
    }

    function leaveInKind(uint256 who, uint256 part) external {
        address person = people[who % 3];
        uint256 shares = vault.balanceOf(person) * bound(part, 0, 1e18) / 1e18;
        (uint256 worth,) = _sharePrices();
        vm.prank(person);
        vault.redeemInKind(shares, person, person, new address[](0));
        (uint256 after_,) = _sharePrices();
        if (vault.totalSupply() > 1e9) assertGe(after_ + _rounding(after_), worth, "nor at the cost of who stays");
    }

    function queueUp(uint256 who, uint256 part) external {
        address person = people[who % 3];
        uint256 shares = vault.balanceOf(person) * bound(part, 0, 1e18) / 1e18;
        if (shares == 0) return;
        vm.startPrank(person);
        vault.requestRedeem(shares);
        vm.stopPrank();
    }

    function payQueue() external {
        try vault.payQueue() {}
        catch {
            ++refused;
        }
    }

    function enter(uint256 seed, uint256 assets) external {
        _leg(_market(seed), LegKind.Entry, bound(assets, 0, vault.idle()), "");
    }

    function exit(uint256 seed, uint256 part) external {
        PricedMarket market = _market(seed);
        uint256 most = market.liquidity();
        _leg(market, LegKind.Exit, most * bound(part, 0, 1e18) / 1e18, "");
    }

    function wait(uint256 time) external {
        uint256 before = _gross();
        skip(bound(time, 1, 2 days));
        _assertSame(before, "time alone changes no worth");
        vault.settle();
    }

    /// @dev Carries one leg out; what it changes is its cost, or within the band a gain.
    function _leg(PricedMarket market, LegKind kind, uint256 assets, bytes memory data) internal {
        uint256 before = _gross();
        (uint256 low, uint256 high,) = market.value();
        try this.carry(address(market), kind, assets, data) {}
        catch {
            ++refused;
            return;
        }
        uint256 afterwards = _gross();
        if (kind == LegKind.Entry) ++entries;
        if (kind == LegKind.Exit) ++exits;
        if (afterwards >= before) {
            rewards += afterwards - before;
            if (kind == LegKind.Exit) {
                // Traders here push pools by some percent; who then leaves may gain a part of that.
                uint256 most = high - low + assets / 10 + _learnt(before);
                assertLe(afterwards - before, most, "a gain within the two values");
            }
        } else {
            costs += before - afterwards;
            assertLe(before - afterwards, assets * 60 / 10_000 + _dust(), "a cost within the bound");
        }
    }

    function carry(address market, LegKind kind, uint256 assets, bytes memory data) external {
        require(msg.sender == address(this));
        _plan(market, kind, assets, data);
    }

    /// @dev The market counts no more than it has, approves nobody, and says two values in order.
    function _check(PricedMarket market) internal view {
        (uint256 low, uint256 high,) = market.value();
        assertLe(low, high);
        assertGe(asset.balanceOf(address(market)), market.held());
        assertEq(market.totalAssets(), low);
    }

    function check() public view virtual {
        (uint256 gross, uint256 low, uint256 high,,) = vault.value();
        assertLe(low, gross);
        assertGe(high, gross);
        assertGe(asset.balanceOf(address(vault)), vault.idle() + vault.reserved());
        assertEq(vault.totalAssets(), low);
    }
}

/// @notice A vault of USDC over a V2 pair and a stable pool, with people who trade and prices that move.
contract UsdHandler is PricedHandler, UsdFixture {
    function setUp() public override {
        super.setUp();
        _deposit(ALICE, 200_000 * UNIT);
        _plan(address(lp), LegKind.Entry, 50_000 * UNIT, "");
        _plan(address(stable), LegKind.Entry, 50_000 * UNIT, "");
        _campaign(6_000 ether);
    }

    function _market(uint256 seed) internal view override returns (PricedMarket) {
        return seed % 2 == 0 ? PricedMarket(address(lp)) : PricedMarket(address(stable));
    }

    function _whole() internal pure override returns (uint256) {
        return UNIT;
    }

    function trade(uint256 seed, uint256 amount) external {
        uint256 before = _gross();
        amount = bound(amount, UNIT, 200_000 * UNIT);
        if (seed % 4 == 0) _trade(usd, amount);
        if (seed % 4 == 1) _trade(eth, amount * 5e8);
        if (seed % 4 == 2) _tradeStable(true, amount);
        if (seed % 4 == 3) _tradeStable(false, amount);
        uint256 afterwards = _gross();
        assertGe(afterwards + _dust(), before, "a trade brings its fee and takes nothing");
        if (afterwards > before) fees += afterwards - before;
        assertLe(afterwards, before + amount / 100 + _dust());
    }

    /// @dev The price moves and traders bring the pair after it.
    function movePrice(uint256 to) external {
        uint256 old = ethPrice.num();
        to = bound(to, old * 98 / 100, old * 102 / 100);
        uint256 before = _gross();
        ethPrice.set(to, ethPrice.fresh());
        uint256 afterwards = _gross();
        if (to >= old) assertGe(afterwards + 1, before, "a higher price alone lowers nothing");
        else assertLe(afterwards, before + 1, "a lower price alone raises nothing");
        _arbitrage(to);
    }

    function _arbitrage(uint256 to) private {
        (uint256 r0, uint256 r1,) = pair.getReserves();
        (uint256 mine, uint256 others) = pair.token0() == address(usd) ? (r0, r1) : (r1, r0);
        uint256 now_ = mine * 1e18 / others;
        if (now_ < to) _trade(usd, mine * (to - now_) / now_ / 2 + 10);
        else _trade(eth, others * (now_ - to) / now_ / 2 + 1e12);
    }

    function moveUsdt(uint256 to) external {
        usdtPrice.set(bound(to, 0.93e6, 1.001e6), usdtPrice.fresh());
    }

    function turnStale(uint256 seed) external {
        if (seed % 2 == 0) ethPrice.set(ethPrice.num(), seed % 4 == 0);
        else usdtPrice.set(usdtPrice.num(), seed % 4 == 1);
    }

    function harvest(uint256 part) external {
        uint256 before = _gross();
        _leg(lp, LegKind.Harvest, 0, part % 3 == 0 ? abi.encode(0) : bytes(""));
        assertGe(_gross() + _dust(), before, "a harvest costs nothing");
    }

    function stake(uint256 part) external {
        uint256 before = _gross();
        _leg(lp, LegKind.Arrange, 0, abi.encode(lp.shares() * bound(part, 0, 1e18) / 1e18));
        _assertSame(before, "staking changes no worth");
    }

    function check() public view override {
        super.check();
        _check(lp);
        _check(stable);
        assertEq(staking.balanceOf(address(lp)), lp.staked());
        assertEq(pair.balanceOf(address(lp)) + lp.staked(), lp.shares());
        assertEq(pool.balanceOf(address(stable)), stable.shares());
        assertEq(reward.balanceOf(address(lp)), lp.unsold());
    }
}

/// @notice A vault of WETH over staked ETH and a stable pool, with validators that earn and lose and a queue.
contract EthHandler is PricedHandler, EthFixture {
    uint256 private _given;

    function setUp() public override {
        super.setUp();
        _deposit(ALICE, 5_000 ether);
        _plan(address(staked), LegKind.Entry, 2_000 ether, "");
        _plan(address(stable), LegKind.Entry, 1_000 ether, "");
    }

    function _market(uint256 seed) internal view override returns (PricedMarket) {
        return seed % 2 == 0 ? PricedMarket(payable(address(staked))) : PricedMarket(address(stable));
    }

    function _whole() internal pure override returns (uint256) {
        return 0.1 ether;
    }

    /// @dev After a slashing a stable pool is worth its worst case until it counts by the new rate.
    function _learnt(uint256 gross) internal pure override returns (uint256) {
        return gross / 50;
    }

    function earn(uint256 eth) external {
        uint256 before = _gross();
        _reward(stEth, bound(eth, 1, 20 ether));
        assertGe(_gross() + _dust(), before, "rewards lower nothing");
    }

    function slash(uint256 eth) external {
        uint256 before = _gross();
        _slash(stEth, bound(eth, 1, 200 ether));
        assertLe(_gross(), before + _dust(), "slashing raises nothing");
    }

    function movePeg(uint256 to) external {
        price.set(bound(to, 0.93e6, 1.01e6), price.fresh());
    }

    function turnStale(uint256 seed) external {
        price.set(price.num(), seed % 3 != 0);
    }

    function trade(bool wethIn, uint256 amount) external {
        uint256 before = _gross();
        amount = bound(amount, 0.001 ether, 100 ether);
        (address first, address second) = wethIn ? (address(asset), address(wstEth)) : (address(wstEth), address(asset));
        _swapIn(pool, first, second, amount);
        uint256 afterwards = _gross();
        assertLe(before, afterwards + before / 500 + _dust(), "beside fees, the pool learns the rate of now");
    }

    function ask(uint256 part) external {
        uint256 before = _gross();
        _leg(staked, LegKind.Harvest, 0, abi.encode(staked.shares() * bound(part, 0, 1e18) / 1e18));
        assertGe(_gross() + _dust(), before, "asking costs nothing");
    }

    function finalizeSome(uint256 many) external {
        uint256 before = _gross();
        uint256 last = queue.getLastFinalizedRequestId();
        uint256 all = queue.getLastRequestId();
        if (all > last) _finalize(stEth, bound(many, last + 1, all));
        assertGe(
            _gross() + _dust(),
            before,
            "a request pays what it was worth; what it did not earn is left to all who stake"
        );
    }

    function claimAll() external {
        uint256 before = _gross();
        _leg(staked, LegKind.Harvest, 0, "");
        _assertSame(before, "claiming changes no worth");
    }

    function claimInKind(uint256 who, uint256 id) external {
        address person = people[who % 3];
        id = bound(id, 0, queue.getLastRequestId());
        if (staked.claims(person, id) == 0 || id > queue.getLastFinalizedRequestId()) return;
        uint256 before = _gross();
        vm.prank(person);
        staked.claim(id, person);
        _assertSame(before, "what leavers claim was not the vault's");
    }

    function check() public view override {
        super.check();
        _check(staked);
        _check(stable);
        assertEq(wstEth.balanceOf(address(staked)), staked.shares());
        assertEq(pool.balanceOf(address(stable)), stable.shares());
        assertEq(address(staked).balance, 0);
        uint256[] memory open = staked.requests();
        for (uint256 i = 0; i < open.length; ++i) {
            assertEq(queue.ownerOf(open[i]), address(staked));
        }
        assertEq(queue.getWithdrawalRequests(address(staked)).length, open.length);
        _checkClaims();
    }

    /// @dev What the vault and all leavers have of a request is all of it.
    function _checkClaims() private view {
        uint256 owed;
        for (uint256 id = 1; id <= queue.getLastRequestId(); ++id) {
            uint256 parts;
            for (uint256 i = 0; i < 3; ++i) {
                parts += staked.claims(people[i], id);
            }
            assertLe(parts + staked.partOfVault(id), 1e18);
            owed += staked.paid(id) * parts / 1e18;
        }
        assertGe(asset.balanceOf(address(staked)) + 100, owed + staked.held(), "every claim is covered");
    }
}

contract UsdInvariantsTest is Test {
    UsdHandler private handler;

    function setUp() external {
        handler = new UsdHandler();
        handler.setUp();
        targetContract(address(handler));
        bytes4[] memory left = new bytes4[](3);
        (left[0], left[1], left[2]) = (handler.setUp.selector, handler.carry.selector, handler.check.selector);
        excludeSelector(FuzzSelector(address(handler), left));
    }

    function invariant_each_act_changes_worth_by_its_own_cause_and_all_is_covered() external view {
        handler.check();
    }
}

contract EthInvariantsTest is Test {
    EthHandler private handler;

    function setUp() external {
        handler = new EthHandler();
        vm.deal(address(handler), 1_000_000 ether);
        handler.setUp();
        targetContract(address(handler));
        bytes4[] memory left = new bytes4[](3);
        (left[0], left[1], left[2]) = (handler.setUp.selector, handler.carry.selector, handler.check.selector);
        excludeSelector(FuzzSelector(address(handler), left));
    }

    /// forge-config: default.invariant.runs = 10
    function invariant_each_act_changes_worth_by_its_own_cause_and_all_is_covered() external view {
        handler.check();
    }
}
