// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MarketParams} from "../src/interfaces/IMorphoBlue.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {AaveV3Market} from "../src/markets/AaveV3Market.sol";
import {Erc4626Market} from "../src/markets/Erc4626Market.sol";
import {MorphoBlueMarket} from "../src/markets/MorphoBlueMarket.sol";
import {AaveDouble, ATokenDouble} from "./doubles/AaveDouble.sol";
import {Bank} from "./doubles/Bank.sol";
import {IrmDouble, MorphoDouble} from "./doubles/MorphoDouble.sol";
import {Token} from "./doubles/Tokens.sol";
import {Fixture} from "./Fixture.sol";

/// @notice The three market contracts, against doubles; the protocols' own bytecode is tested on the local chain.
contract MarketsTest is Fixture {
    AaveDouble private pool;
    ATokenDouble private aToken;
    AaveV3Market private aave;
    MorphoDouble private morpho;
    IrmDouble private irm;
    MarketParams private params;
    MorphoBlueMarket private blue;

    function setUp() public override {
        super.setUp();
        pool = new AaveDouble(address(token));
        aToken = pool.aToken();
        aave = new AaveV3Market(address(vault), address(token), address(aToken));
        morpho = new MorphoDouble();
        irm = new IrmDouble();
        params = MarketParams(address(token), address(1), address(2), address(irm), 0.86e18);
        blue = new MorphoBlueMarket(address(vault), address(token), address(morpho), params);
        _list(address(aave), type(uint128).max, 10_000);
        _list(address(blue), type(uint128).max, 10_000);
        _deposit(ALICE, 1_000 * UNIT);
    }

    function test_only_the_vault_moves_a_position() external {
        address[3] memory all = [address(aave), address(blue), marketA];
        for (uint256 i = 0; i < 3; ++i) {
            vm.startPrank(ALLOCATOR);
            vm.expectRevert(abi.encodeWithSelector(IMarket.NotVault.selector, ALLOCATOR));
            IMarket(all[i]).deposit(1, "");
            vm.expectRevert(abi.encodeWithSelector(IMarket.NotVault.selector, ALLOCATOR));
            IMarket(all[i]).withdraw(1);
            vm.expectRevert(abi.encodeWithSelector(IMarket.NotVault.selector, ALLOCATOR));
            IMarket(all[i]).transferInKind(ALLOCATOR, 1);
            vm.stopPrank();
            vm.prank(address(vault));
            vm.expectRevert(abi.encodeWithSelector(IMarket.ShareTooLarge.selector, 1e18 + 1));
            IMarket(all[i]).transferInKind(ALLOCATOR, 1e18 + 1);
            assertEq(IMarket(all[i]).asset(), address(token));
            assertEq(IMarket(all[i]).vault(), address(vault));
            assertEq(IMarket(all[i]).totalAssets(), 0);
        }
    }

    function test_a_market_of_another_asset_cannot_be_made() external {
        address other = address(new Token(6));
        vm.expectPartialRevert(IMarket.AssetMismatch.selector);
        new AaveV3Market(address(vault), other, address(aToken));
        vm.expectPartialRevert(IMarket.AssetMismatch.selector);
        new Erc4626Market(address(vault), other, address(bankA));
        vm.expectPartialRevert(IMarket.AssetMismatch.selector);
        new MorphoBlueMarket(address(vault), other, address(morpho), params);
    }

    function test_aave_counts_scaled_balance_and_ignores_gifts() external {
        _enterMarket(address(aave), 500 * UNIT);
        pool.setIndex(1.1e27);
        token.mint(address(aToken), 50 * UNIT);
        assertEq(aave.totalAssets(), 550 * UNIT);
        _giveAToken(100 * UNIT);
        assertEq(aave.totalAssets(), 550 * UNIT);
        assertEq(aave.liquidity(), 550 * UNIT);
        _exitMarket(address(aave), 200 * UNIT);
        assertApproxEqAbs(aave.totalAssets(), 350 * UNIT, 1);
        skip(1 days);
        assertApproxEqAbs(_redeemAll(ALICE), 1_025 * UNIT, 26 * UNIT);
    }

    function test_aave_pays_its_cash_and_nothing_while_paused_or_inactive() external {
        _enterMarket(address(aave), 500 * UNIT);
        token.burn(address(aToken), 400 * UNIT);
        assertEq(aave.liquidity(), 100 * UNIT);
        assertEq(vault.maxWithdraw(ALICE), 600 * UNIT);
        pool.setPaused(true);
        assertEq(aave.liquidity(), 0);
        pool.setPaused(false);
        pool.setActive(false);
        assertEq(aave.liquidity(), 0);
        assertEq(aave.totalAssets(), 500 * UNIT, "a lock alone is no loss");
    }

    function test_aave_in_kind_hands_over_atokens() external {
        _enterMarket(address(aave), 500 * UNIT);
        token.burn(address(aToken), 500 * UNIT);
        uint256 half = vault.balanceOf(ALICE) / 2;
        vm.prank(ALICE);
        vault.redeemInKind(half, ALICE, ALICE, new address[](0));
        assertApproxEqAbs(aToken.balanceOf(ALICE), 250 * UNIT, 1);
        assertApproxEqAbs(aave.totalAssets(), 250 * UNIT, 1);
        uint256 dust = vault.balanceOf(ALICE) / 1e15;
        vm.prank(ALICE);
        vault.redeemInKind(dust, ALICE, ALICE, new address[](0));
    }

    function _giveAToken(uint256 assets) private {
        token.mint(CAROL, assets);
        vm.startPrank(CAROL);
        token.approve(address(pool), assets);
        pool.supply(address(token), assets, address(aave), 0);
        vm.stopPrank();
    }

    function _borrow(uint256 assets, uint256 rate) private {
        irm.set(rate, false);
        morpho.borrow(params, assets);
    }

    function test_morpho_counts_interest_as_morpho_books_it() external {
        _enterMarket(address(blue), 500 * UNIT);
        morpho.setFee(params, 0.1e18);
        _borrow(450 * UNIT, uint256(0.5e18) / 365 days);
        skip(200 days);
        uint256 before = blue.totalAssets();
        assertGt(before, 560 * UNIT);
        morpho.accrue(params);
        assertEq(blue.totalAssets(), before, "to the last unit");
    }

    function testFuzz_morpho_counts_interest_as_morpho_books_it(uint256 rate, uint256 time, uint256 fee) external {
        _enterMarket(address(blue), 500 * UNIT);
        morpho.setFee(params, uint128(bound(fee, 0, 0.25e18)));
        _borrow(500 * UNIT, bound(rate, 0, uint256(2e18) / 365 days));
        skip(bound(time, 0, 3 * 365 days));
        uint256 before = blue.totalAssets();
        morpho.accrue(params);
        assertEq(blue.totalAssets(), before);
    }

    function test_a_rate_model_that_fails_leaves_the_stored_totals() external {
        _enterMarket(address(blue), 500 * UNIT);
        _borrow(450 * UNIT, 1e9);
        skip(1 days);
        irm.set(0, true);
        assertEq(blue.totalAssets(), 500 * UNIT);
    }

    function test_morpho_ignores_what_others_supply_for_it_and_pays_what_is_not_lent() external {
        _enterMarket(address(blue), 500 * UNIT);
        token.mint(address(this), 100 * UNIT);
        token.approve(address(morpho), 100 * UNIT);
        morpho.supply(params, 100 * UNIT, 0, address(blue), "");
        assertEq(blue.totalAssets(), 500 * UNIT);
        _borrow(590 * UNIT, 0);
        assertEq(blue.liquidity(), 10 * UNIT);
        assertEq(vault.maxWithdraw(ALICE), 510 * UNIT);
        assertEq(blue.params().lltv, 0.86e18);
        assertEq(blue.id(), keccak256(abi.encode(params)));
    }

    function test_morpho_bad_debt_is_a_loss_at_once() external {
        _enterMarket(address(blue), 500 * UNIT);
        _borrow(450 * UNIT, 0);
        morpho.writeOff(params, uint128(100 * UNIT));
        assertApproxEqAbs(vault.totalAssets(), 900 * UNIT, 1);
    }

    function test_morpho_in_kind_is_a_claim_that_only_its_holder_takes() external {
        _enterMarket(address(blue), 500 * UNIT);
        _borrow(450 * UNIT, 0);
        uint256 half = vault.balanceOf(ALICE) / 2;
        vm.prank(ALICE);
        vault.redeemInKind(half, BOB, ALICE, new address[](0));
        uint256 claim = blue.claims(BOB);
        assertGt(claim, 0);
        assertApproxEqAbs(blue.totalAssets(), 250 * UNIT, 1, "no longer the vault's");
        vm.expectRevert(abi.encodeWithSelector(MorphoBlueMarket.ClaimTooSmall.selector, 1, 0));
        blue.claim(1, CAROL);
        vm.startPrank(BOB);
        vm.expectRevert("insufficient liquidity");
        blue.claim(claim, CAROL);
        assertApproxEqAbs(blue.claim(claim / 5, CAROL), 50 * UNIT, 1);
        vm.stopPrank();
        token.mint(address(this), 400 * UNIT);
        token.approve(address(morpho), 400 * UNIT);
        morpho.supply(params, 400 * UNIT, 0, CAROL, "");
        uint256 left = blue.claims(BOB);
        vm.prank(BOB);
        assertApproxEqAbs(blue.claim(left, CAROL), 200 * UNIT, 1);
        assertApproxEqAbs(blue.totalAssets(), 250 * UNIT, 1);
    }

    function test_an_erc4626_market_counts_what_redeeming_would_pay() external {
        _enterMarket(marketA, 500 * UNIT);
        assertEq(Erc4626Market(marketA).shares(), 500 * UNIT);
        bankA.setPreviewLocked(true);
        assertEq(IMarket(marketA).totalAssets(), 500 * UNIT);
        bankA.setLiquid(0);
        assertEq(IMarket(marketA).liquidity(), 0);
    }

    function test_a_protocol_that_takes_less_than_offered_is_refused() external {
        vm.mockCall(address(bankA), abi.encodeWithSignature("deposit(uint256,address)"), abi.encode(1));
        token.mint(marketA, UNIT);
        vm.prank(address(vault));
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotAllTaken.selector, UNIT, UNIT));
        IMarket(marketA).deposit(UNIT, "");
    }

    function test_nothing_stays_approved() external {
        _enterMarket(marketA, 200 * UNIT);
        _enterMarket(address(aave), 200 * UNIT);
        _enterMarket(address(blue), 200 * UNIT);
        assertEq(token.allowance(marketA, address(bankA)), 0);
        assertEq(token.allowance(address(aave), address(pool)), 0);
        assertEq(token.allowance(address(blue), address(morpho)), 0);
        assertEq(token.allowance(address(vault), marketA), 0);
        assertEq(token.allowance(address(vault), address(aave)), 0);
    }

    function testFuzz_money_goes_round_all_markets_without_loss_beyond_rounding(uint256 a, uint256 b, uint256 c)
        external
    {
        _enterMarket(marketA, bound(a, 1, 300 * UNIT));
        _enterMarket(address(aave), bound(b, 1, 300 * UNIT));
        _enterMarket(address(blue), bound(c, 1, 300 * UNIT));
        pool.setIndex(1.000000001234e27);
        token.mint(address(aToken), UNIT);
        skip(1 days);
        vault.settle();
        skip(1 days);
        assertGe(_redeemAll(ALICE), 1_000 * UNIT - 5);
    }
}
