// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IMorphoBlue, MarketParams, MorphoMarket} from "../src/interfaces/IMorphoBlue.sol";
import {MorphoBlueMarket} from "../src/markets/MorphoBlueMarket.sol";
import {Token} from "./doubles/Tokens.sol";
import {Fixture} from "./Fixture.sol";

/// @notice What of Morpho's own functions the test calls.
interface IMorphoSetUp {
    function enableIrm(address irm) external;
    function enableLltv(uint256 lltv) external;
    function setFeeRecipient(address to) external;
    function setFee(MarketParams calldata params, uint256 fee) external;
    function createMarket(MarketParams calldata params) external;
    function accrueInterest(MarketParams calldata params) external;
    function supplyCollateral(MarketParams calldata params, uint256 assets, address onBehalf, bytes calldata data)
        external;
    function borrow(MarketParams calldata params, uint256 assets, uint256 shares, address onBehalf, address receiver)
        external
        returns (uint256, uint256);
    function liquidate(MarketParams calldata params, address who, uint256 seized, uint256 shares, bytes calldata data)
        external
        returns (uint256, uint256);
    function position(bytes32 id, address who) external view returns (uint256 supplyShares, uint128, uint128 collateral);
}

/// @notice The Morpho market contract against Morpho Blue's own bytecode, which `contracts/tools/prepare` compiles from
/// its package.
contract MorphoBlueRealTest is Fixture {
    string private constant ARTIFACT = "local/out/morpho/Morpho.sol/Morpho.json";

    IMorphoSetUp private morpho;
    MorphoBlueMarket private market;
    MarketParams private params;
    Token private collateral;
    uint256 private dollars = 1;

    /// @notice Stands in for the rate model: what is lent pays as many percent a year as are lent.
    function borrowRateView(MarketParams calldata, MorphoMarket calldata m) public pure returns (uint256) {
        if (m.totalSupplyAssets == 0) return 0;
        return uint256(m.totalBorrowAssets) * 1e18 / m.totalSupplyAssets / 365 days;
    }

    function borrowRate(MarketParams calldata p, MorphoMarket calldata m) external pure returns (uint256) {
        return borrowRateView(p, m);
    }

    /// @notice Stands in for the oracle: a unit of collateral costs so many units of the token.
    function price() external view returns (uint256) {
        return dollars * 1e36;
    }

    function setUp() public override {
        super.setUp();
        require(vm.exists(ARTIFACT), "Morpho Blue is not compiled: run contracts/tools/prepare");
        collateral = new Token(6);
        bytes memory code = vm.parseJsonBytes(vm.readFile(ARTIFACT), ".bytecode.object");
        bytes memory all = abi.encodePacked(code, abi.encode(address(this)));
        address made;
        assembly {
            made := create(0, add(all, 32), mload(all))
        }
        morpho = IMorphoSetUp(made);
        params = MarketParams(address(token), address(collateral), address(this), address(this), 0.86e18);
        morpho.enableIrm(address(this));
        morpho.enableLltv(0.86e18);
        morpho.setFeeRecipient(CAROL);
        morpho.createMarket(params);
        market = new MorphoBlueMarket(address(vault), address(token), made, params);
        _list(address(market), type(uint128).max, 10_000);
        _deposit(ALICE, 1_000 * UNIT);
    }

    function _borrow(uint256 assets) private {
        uint256 pledged = assets * 100 / 86 + 2;
        collateral.mint(BOB, pledged);
        vm.startPrank(BOB);
        collateral.approve(address(morpho), MAX);
        morpho.supplyCollateral(params, pledged, BOB, "");
        morpho.borrow(params, assets, 0, BOB, BOB);
        vm.stopPrank();
    }

    function testFuzz_what_is_counted_is_what_morpho_books(uint256 lent, uint256 time, uint256 fee) external {
        _enterMarket(address(market), 800 * UNIT);
        morpho.setFee(params, bound(fee, 1, 0.25e18));
        _borrow(bound(lent, 1, 800 * UNIT));
        skip(bound(time, 0, 500 days));
        uint256 before = market.totalAssets();
        morpho.accrueInterest(params);
        assertEq(market.totalAssets(), before, "to the last unit");
        (uint256 shares,,) = morpho.position(market.id(), address(market));
        assertEq(shares, market.shares());
    }

    function testFuzz_all_that_is_liquid_can_be_drawn(uint256 lent, uint256 time) external {
        _enterMarket(address(market), 800 * UNIT);
        lent = bound(lent, 1, 800 * UNIT);
        _borrow(lent);
        skip(bound(time, 0, 500 days));
        assertEq(market.liquidity(), 800 * UNIT - lent);
        uint256 most = vault.maxWithdraw(ALICE);
        vm.prank(ALICE);
        vault.withdraw(most, ALICE, ALICE);
    }

    function testFuzz_entries_and_exits_lose_no_more_than_rounding(uint256 time, uint256 enter, uint256 leave)
        external
    {
        _enterMarket(address(market), 400 * UNIT);
        _borrow(300 * UNIT);
        skip(bound(time, 1 days, 300 days));
        vault.settle();
        (uint256 before,,,,) = vault.value();
        _enterMarket(address(market), bound(enter, 1, 600 * UNIT));
        _exitMarket(address(market), bound(leave, 1, 100 * UNIT));
        (uint256 afterwards,,,,) = vault.value();
        assertApproxEqAbs(afterwards, before, 2);
    }

    function test_bad_debt_is_a_loss_at_once() external {
        _enterMarket(address(market), 800 * UNIT);
        _borrow(400 * UNIT);
        dollars = 0;
        (,, uint128 pledged) = morpho.position(market.id(), BOB);
        vm.prank(BOB);
        morpho.liquidate(params, BOB, pledged, 0, "");
        assertApproxEqAbs(vault.totalAssets(), 600 * UNIT, 1);
    }

    function test_a_claim_in_kind_is_paid_as_morpho_allows() external {
        _enterMarket(address(market), 800 * UNIT);
        _borrow(700 * UNIT);
        uint256 half = vault.balanceOf(ALICE) / 2;
        vm.prank(ALICE);
        vault.redeemInKind(half, BOB, ALICE, new address[](0));
        uint256 claim = market.claims(BOB);
        vm.startPrank(BOB);
        vm.expectRevert("insufficient liquidity");
        market.claim(claim, BOB);
        assertApproxEqAbs(market.claim(claim / 5, CAROL), 80 * UNIT, 1);
        vm.stopPrank();
        assertApproxEqAbs(market.totalAssets(), 400 * UNIT, 1);
        (uint256 shares,,) = morpho.position(market.id(), address(market));
        assertEq(shares, market.shares() + market.claims(BOB));
    }
}
