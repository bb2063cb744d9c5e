// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Test} from "forge-std/Test.sol";
import {Bounds, Config, Leg, LegKind} from "../src/Types.sol";
import {Vault} from "../src/Vault.sol";
import {Erc4626Market} from "../src/markets/Erc4626Market.sol";
import {Bank} from "./doubles/Bank.sol";
import {Token} from "./doubles/Tokens.sol";

/// @notice A vault of a six-decimals token over two banks, and words for what tests do with it.
abstract contract Fixture is Test {
    address internal constant OWNER = address(0x0101);
    address internal constant CURATOR = address(0x0102);
    address internal constant ALLOCATOR = address(0x0103);
    address internal constant GUARDIAN = address(0x0104);
    address internal constant ALICE = address(0xa11ce);
    address internal constant BOB = address(0xb0b);
    address internal constant CAROL = address(0xca01);

    uint256 internal constant UNIT = 1e6;
    uint256 internal constant MAX = type(uint256).max;
    uint32 internal constant FADE = 1 days;

    Token internal token;
    Vault internal vault;
    Bank internal bankA;
    Bank internal bankB;
    address internal marketA;
    address internal marketB;
    uint256 private _plans;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        token = new Token(6);
        _deploy(address(token), _bounds());
        _addBanks();
    }

    function _bounds() internal pure virtual returns (Bounds memory) {
        return Bounds({turnoverBps: 10_000, moveLossBps: 10, dayLossBps: 10, monthLossBps: 50});
    }

    function _config(address asset, Bounds memory bounds) internal pure returns (Config memory) {
        return Config({
            asset: asset,
            name: "Plimsoll",
            symbol: "pTOK",
            owner: OWNER,
            curator: CURATOR,
            allocator: ALLOCATOR,
            guardian: GUARDIAN,
            soleDepositor: address(0),
            ownerDelay: 3 days,
            curatorDelay: 1 days,
            fadePeriod: FADE,
            bounds: bounds
        });
    }

    function _deploy(address asset, Bounds memory bounds) internal {
        vault = new Vault(_config(asset, bounds));
    }

    function _addBanks() internal {
        bankA = new Bank(IERC20(vault.asset()));
        bankB = new Bank(IERC20(vault.asset()));
        marketA = address(new Erc4626Market(address(vault), vault.asset(), address(bankA)));
        marketB = address(new Erc4626Market(address(vault), vault.asset(), address(bankB)));
        _list(marketA, type(uint128).max, 10_000);
        _list(marketB, type(uint128).max, 10_000);
    }

    /// @dev Lists a market, waiting if somebody holds shares.
    function _list(address market, uint128 absolute, uint16 relative) internal {
        _delayed(CURATOR, abi.encodeCall(vault.listMarket, (market, absolute, relative)));
    }

    /// @dev Submits a change, waits if need be, carries it out.
    function _delayed(address role, bytes memory call) internal {
        vm.startPrank(role);
        vault.submit(call);
        if (vault.totalSupply() != 0) skip(role == CURATOR ? 1 days : 3 days);
        (bool done, bytes memory why) = address(vault).call(call);
        vm.stopPrank();
        if (!done) _bubble(why);
    }

    function _bubble(bytes memory why) internal pure {
        assembly {
            revert(add(why, 32), mload(why))
        }
    }

    function _deposit(address who, uint256 assets) internal returns (uint256 shares) {
        token.mint(who, assets);
        vm.startPrank(who);
        token.approve(address(vault), assets);
        shares = vault.deposit(assets, who);
        vm.stopPrank();
    }

    function _redeemAll(address who) internal returns (uint256 assets) {
        uint256 shares = vault.balanceOf(who);
        vm.prank(who);
        assets = vault.redeem(shares, who, who);
    }

    function _enterLeg(address market, uint256 assets) internal pure returns (Leg memory) {
        return Leg(market, LegKind.Entry, assets, 0, MAX, "");
    }

    function _exitLeg(address market, uint256 assets) internal pure returns (Leg memory) {
        return Leg(market, LegKind.Exit, assets, 0, MAX, "");
    }

    function _one(Leg memory leg) internal pure returns (Leg[] memory legs) {
        legs = new Leg[](1);
        legs[0] = leg;
    }

    function _nextPlan() internal returns (bytes32) {
        return bytes32(++_plans);
    }

    function _plan(Leg[] memory legs) internal {
        bytes32 expected = vault.preStateHash();
        bytes32 planId = _nextPlan();
        vm.prank(ALLOCATOR);
        vault.reallocate(planId, uint64(block.timestamp), expected, legs);
    }

    function _enterMarket(address market, uint256 assets) internal {
        _plan(_one(_enterLeg(market, assets)));
    }

    function _exitMarket(address market, uint256 assets) internal {
        _plan(_one(_exitLeg(market, assets)));
    }

    /// @dev Others hold most of a bank, so that what the vault loses there goes to them.
    function _crowd(Bank bank) internal {
        address crowd = address(0xc20d);
        token.mint(crowd, 1e6 * 1e6 * UNIT);
        vm.startPrank(crowd);
        token.approve(address(bank), MAX);
        bank.deposit(1e6 * 1e6 * UNIT, crowd);
        vm.stopPrank();
    }

    /// @dev The leaving price per 1e27 shares, and the entering one.
    function _prices() internal view returns (uint256 low, uint256 high) {
        (, uint256 l, uint256 h, uint256 supply,) = vault.value();
        low = (l + 1) * 1e27 / (supply + 1e6);
        high = (h + 1) * 1e27 / (supply + 1e6);
    }
}
