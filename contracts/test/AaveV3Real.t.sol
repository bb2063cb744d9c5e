// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AaveV3Market} from "../src/markets/AaveV3Market.sol";
import {IAavePool, IAToken} from "../src/interfaces/IAaveV3.sol";
import {Token} from "./doubles/Tokens.sol";
import {Fixture} from "./Fixture.sol";

/// @notice What of Aave's own set-up the test calls.
interface IAaveSetUp {
    struct InitReserveInput {
        address aTokenImpl;
        address stableDebtTokenImpl;
        address variableDebtTokenImpl;
        uint8 underlyingAssetDecimals;
        address interestRateStrategyAddress;
        address underlyingAsset;
        address treasury;
        address incentivesController;
        string aTokenName;
        string aTokenSymbol;
        string variableDebtTokenName;
        string variableDebtTokenSymbol;
        string stableDebtTokenName;
        string stableDebtTokenSymbol;
        bytes params;
    }

    function setACLAdmin(address) external;
    function setACLManager(address) external;
    function setPoolImpl(address) external;
    function setPoolConfiguratorImpl(address) external;
    function setPriceOracle(address) external;
    function getPool() external view returns (address);
    function getPoolConfigurator() external view returns (address);
    function addPoolAdmin(address) external;
    function initReserves(InitReserveInput[] calldata) external;
    function setReserveBorrowing(address, bool) external;
    function configureReserveAsCollateral(address, uint256, uint256, uint256) external;
    function setReservePause(address, bool) external;
    function borrow(address asset, uint256 amount, uint256 mode, uint16 code, address onBehalfOf) external;
    function repay(address asset, uint256 amount, uint256 mode, address onBehalfOf) external;
    function getReserveData(address) external view returns (uint256[8] memory head, address aToken);
    function balanceOf(address) external view returns (uint256);
}

/// @notice The Aave market contract against the pool bytecode that Aave published (npm @aave/core-v3 1.19.3).
contract AaveV3RealTest is Fixture {
    string private constant PLACE = "node_modules/@aave/core-v3/artifacts/contracts/protocol/";

    IAaveSetUp private pool;
    IAaveSetUp private configurator;
    address private aToken;
    Token private collateral;
    AaveV3Market private market;

    function setUp() public override {
        super.setUp();
        collateral = new Token(18);
        _deployAave();
        market = new AaveV3Market(address(vault), address(token), aToken);
        _list(address(market), type(uint128).max, 10_000);
        _deposit(ALICE, 1_000 * UNIT);
    }

    /// @notice Stands in for the price oracle: everything costs one dollar.
    function getAssetPrice(address) external pure returns (uint256) {
        return 1e8;
    }

    function _deployAave() private {
        address provider = _create(
            _code("configuration/PoolAddressesProvider.sol/PoolAddressesProvider.json"),
            abi.encode("local", address(this))
        );
        IAaveSetUp setUp_ = IAaveSetUp(provider);
        setUp_.setACLAdmin(address(this));
        address acl = _create(_code("configuration/ACLManager.sol/ACLManager.json"), abi.encode(provider));
        setUp_.setACLManager(acl);
        IAaveSetUp(acl).addPoolAdmin(address(this));
        setUp_.setPriceOracle(address(this));
        setUp_.setPoolImpl(_create(_linkedPool(), abi.encode(provider)));
        string memory code = _link(
            _code("pool/PoolConfigurator.sol/PoolConfigurator.json"), "ConfiguratorLogic", _logic("ConfiguratorLogic")
        );
        setUp_.setPoolConfiguratorImpl(_create(code, ""));
        pool = IAaveSetUp(setUp_.getPool());
        configurator = IAaveSetUp(setUp_.getPoolConfigurator());
        _addReserves(provider);
        (, aToken) = pool.getReserveData(address(token));
    }

    function _linkedPool() private returns (string memory code) {
        address borrow = _logic("BorrowLogic");
        code = _code("pool/Pool.sol/Pool.json");
        string memory flash = _code("libraries/logic/FlashLoanLogic.sol/FlashLoanLogic.json");
        code = _link(code, "FlashLoanLogic", _create(_link(flash, "BorrowLogic", borrow), ""));
        code = _link(code, "BorrowLogic", borrow);
        string[5] memory rest = ["BridgeLogic", "EModeLogic", "LiquidationLogic", "PoolLogic", "SupplyLogic"];
        for (uint256 i = 0; i < rest.length; ++i) {
            code = _link(code, rest[i], _logic(rest[i]));
        }
    }

    function _addReserves(address provider) private {
        address strategy = _create(
            _code("pool/DefaultReserveInterestRateStrategy.sol/DefaultReserveInterestRateStrategy.json"),
            abi.encode(provider, 0.9e27, 0, 0.04e27, 0.6e27, 0, 0, 0, 0, 0.2e27)
        );
        address[3] memory tokens = [
            _create(_code("tokenization/AToken.sol/AToken.json"), abi.encode(pool)),
            _create(_code("tokenization/StableDebtToken.sol/StableDebtToken.json"), abi.encode(pool)),
            _create(_code("tokenization/VariableDebtToken.sol/VariableDebtToken.json"), abi.encode(pool))
        ];
        IAaveSetUp.InitReserveInput[] memory inputs = new IAaveSetUp.InitReserveInput[](2);
        inputs[0] = _input(tokens, strategy, address(token), 6);
        inputs[1] = _input(tokens, strategy, address(collateral), 18);
        configurator.initReserves(inputs);
        configurator.setReserveBorrowing(address(token), true);
        configurator.configureReserveAsCollateral(address(collateral), 8_000, 8_500, 10_500);
    }

    function _input(address[3] memory tokens, address strategy, address asset, uint8 places)
        private
        view
        returns (IAaveSetUp.InitReserveInput memory input)
    {
        (input.aTokenImpl, input.stableDebtTokenImpl, input.variableDebtTokenImpl) = (tokens[0], tokens[1], tokens[2]);
        input.underlyingAssetDecimals = places;
        input.interestRateStrategyAddress = strategy;
        input.underlyingAsset = asset;
        input.treasury = address(this);
    }

    function _code(string memory path) private view returns (string memory) {
        return vm.parseJsonString(vm.readFile(string.concat(PLACE, path)), ".bytecode");
    }

    function _logic(string memory name) private returns (address) {
        return _create(_code(string.concat("libraries/logic/", name, ".sol/", name, ".json")), "");
    }

    function _link(string memory code, string memory name, address at) private pure returns (string memory) {
        bytes32 hash = keccak256(abi.encodePacked("contracts/protocol/libraries/logic/", name, ".sol:", name));
        bytes memory hex_ = bytes(vm.toString(hash));
        bytes memory head = new bytes(34);
        for (uint256 i = 0; i < 34; ++i) {
            head[i] = hex_[i + 2];
        }
        string memory address_ = vm.replace(vm.toString(at), "0x", "");
        return vm.replace(code, string.concat("__$", string(head), "$__"), address_);
    }

    function _create(string memory code, bytes memory words) private returns (address made) {
        bytes memory all = abi.encodePacked(vm.parseBytes(code), words);
        assembly {
            made := create(0, add(all, 32), mload(all))
        }
        require(made != address(0), "not created");
    }

    function _borrow(uint256 assets) private {
        collateral.mint(CAROL, 1e24);
        vm.startPrank(CAROL);
        collateral.approve(address(pool), MAX);
        IAavePool(address(pool)).supply(address(collateral), 1e24, CAROL, 0);
        pool.borrow(address(token), assets, 2, 0, CAROL);
        vm.stopPrank();
    }

    function _repayAll() private {
        token.mint(CAROL, 1e15);
        vm.startPrank(CAROL);
        token.approve(address(pool), MAX);
        pool.repay(address(token), MAX, 2, CAROL);
        vm.stopPrank();
    }

    function test_what_is_counted_is_what_the_atoken_says() external {
        _enterMarket(address(market), 800 * UNIT);
        _borrow(600 * UNIT);
        for (uint256 i = 0; i < 5; ++i) {
            skip(37 days + i * 1 hours);
            uint256 balance = IAaveSetUp(aToken).balanceOf(address(market));
            assertLe(market.totalAssets(), balance);
            assertGe(market.totalAssets() + 1, balance);
        }
        assertGt(market.totalAssets(), 808 * UNIT);
    }

    function test_liquidity_is_the_cash_of_the_reserve_and_all_of_it_can_be_drawn() external {
        _enterMarket(address(market), 800 * UNIT);
        _borrow(600 * UNIT);
        skip(30 days);
        assertEq(market.liquidity(), 200 * UNIT);
        uint256 most = vault.maxWithdraw(ALICE);
        assertEq(most, 400 * UNIT);
        vm.prank(ALICE);
        vault.withdraw(most, ALICE, ALICE);
        assertEq(market.liquidity(), 0);
        assertEq(vault.maxWithdraw(ALICE), 0);
    }

    function testFuzz_entries_and_exits_lose_no_more_than_rounding(uint256 time, uint256 enter, uint256 leave)
        external
    {
        _enterMarket(address(market), 400 * UNIT);
        _borrow(350 * UNIT);
        skip(bound(time, 1 days, 300 days));
        _repayAll();
        vault.settle();
        (uint256 before,,,,) = vault.value();
        _enterMarket(address(market), bound(enter, 1, 600 * UNIT));
        _exitMarket(address(market), bound(leave, 1, 400 * UNIT));
        (uint256 afterwards,,,,) = vault.value();
        assertApproxEqAbs(afterwards, before, 2);
        _exitMarket(address(market), MAX);
        assertLe(market.totalAssets(), 1);
    }

    function test_a_paused_reserve_is_a_lock_and_in_kind_hands_over_atokens() external {
        _enterMarket(address(market), 800 * UNIT);
        _borrow(700 * UNIT);
        configurator.setReservePause(address(token), true);
        assertEq(market.liquidity(), 0);
        assertEq(vault.totalAssets(), 1_000 * UNIT);
        configurator.setReservePause(address(token), false);
        uint256 half = vault.balanceOf(ALICE) / 2;
        vm.prank(ALICE);
        vault.redeemInKind(half, BOB, ALICE, new address[](0));
        assertApproxEqAbs(IAaveSetUp(aToken).balanceOf(BOB), 400 * UNIT, 1);
        assertApproxEqAbs(market.totalAssets(), 400 * UNIT, 1);
        assertEq(IAToken(aToken).POOL(), address(pool));
    }
}
