// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AaveV3Market} from "../src/markets/AaveV3Market.sol";
import {IAavePool} from "../src/interfaces/IAaveV3.sol";
import {IAaveSetUp} from "./AaveV3Real.t.sol";
import {Token} from "./doubles/Tokens.sol";
import {Fixture} from "./Fixture.sol";

/// @notice What of the set-up differs in v3.2.
interface IAaveSetUpV3_2 {
    struct InitReserveInput {
        address aTokenImpl;
        address variableDebtTokenImpl;
        bool useVirtualBalance;
        address interestRateStrategyAddress;
        address underlyingAsset;
        address treasury;
        address incentivesController;
        string aTokenName;
        string aTokenSymbol;
        string variableDebtTokenName;
        string variableDebtTokenSymbol;
        bytes params;
        bytes interestRateData;
    }

    function initReserves(InitReserveInput[] calldata) external;
    function POOL_REVISION() external view returns (uint256);
}

/// @notice The Aave market contract against the bytecode of v3.2 (PyPI web3-ethereum-defi 1.2), whose pool keeps a virtual
/// balance.
contract AaveV3_2RealTest is Fixture {
    string private constant PLACE = "local/out/aave-v3.2/";

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
        address provider = _create(_code("PoolAddressesProvider"), abi.encode("local", address(this)));
        IAaveSetUp setUp_ = IAaveSetUp(provider);
        setUp_.setACLAdmin(address(this));
        address acl = _create(_code("ACLManager"), abi.encode(provider));
        setUp_.setACLManager(acl);
        IAaveSetUp(acl).addPoolAdmin(address(this));
        setUp_.setPriceOracle(address(this));
        setUp_.setPoolImpl(_create(_linkedPool(), abi.encode(provider)));
        string memory code =
            _link(_code("PoolConfiguratorInstance"), "ConfiguratorLogic", _create(_code("ConfiguratorLogic"), ""));
        setUp_.setPoolConfiguratorImpl(_create(code, ""));
        pool = IAaveSetUp(setUp_.getPool());
        configurator = IAaveSetUp(setUp_.getPoolConfigurator());
        _addReserves(provider);
        (, aToken) = pool.getReserveData(address(token));
        assertEq(IAaveSetUpV3_2(address(pool)).POOL_REVISION(), 5);
    }

    function _linkedPool() private returns (string memory code) {
        address borrow = _create(_code("BorrowLogic"), "");
        code = _link(_code("PoolInstance"), "BorrowLogic", borrow);
        address flash = _create(_link(_code("FlashLoanLogic"), "BorrowLogic", borrow), "");
        code = _link(code, "FlashLoanLogic", flash);
        string[5] memory rest = ["BridgeLogic", "EModeLogic", "LiquidationLogic", "PoolLogic", "SupplyLogic"];
        for (uint256 i = 0; i < rest.length; ++i) {
            code = _link(code, rest[i], _create(_code(rest[i]), ""));
        }
    }

    function _addReserves(address provider) private {
        address[3] memory made = [
            _create(_code("ATokenInstance"), abi.encode(pool)),
            _create(_code("VariableDebtTokenInstance"), abi.encode(pool)),
            _create(_code("DefaultReserveInterestRateStrategyV2"), abi.encode(provider))
        ];
        IAaveSetUpV3_2.InitReserveInput[] memory inputs = new IAaveSetUpV3_2.InitReserveInput[](2);
        inputs[0] = _input(made, address(token));
        inputs[1] = _input(made, address(collateral));
        IAaveSetUpV3_2(address(configurator)).initReserves(inputs);
        configurator.setReserveBorrowing(address(token), true);
        configurator.configureReserveAsCollateral(address(collateral), 8_000, 8_500, 10_500);
    }

    function _input(address[3] memory made, address asset)
        private
        view
        returns (IAaveSetUpV3_2.InitReserveInput memory input)
    {
        (input.aTokenImpl, input.variableDebtTokenImpl, input.interestRateStrategyAddress) = (made[0], made[1], made[2]);
        input.useVirtualBalance = true;
        input.underlyingAsset = asset;
        input.treasury = address(this);
        input.interestRateData = abi.encode(9_000, 0, 400, 6_000);
    }

    function _code(string memory name) private view returns (string memory) {
        return vm.parseJsonString(vm.readFile(string.concat(PLACE, name, ".json")), ".bytecode.object");
    }

    function _link(string memory code, string memory name, address at) private pure returns (string memory) {
        string memory path = string.concat("src/contracts/protocol/libraries/logic/", name, ".sol:", name);
        bytes memory hash = bytes(vm.toString(keccak256(bytes(path))));
        bytes memory head = new bytes(34);
        for (uint256 i = 0; i < 34; ++i) {
            head[i] = hash[i + 2];
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

    function test_what_was_sent_to_the_reserve_is_not_liquidity_and_all_that_is_can_be_drawn() external {
        _enterMarket(address(market), 800 * UNIT);
        _borrow(600 * UNIT);
        token.mint(aToken, 5_000 * UNIT);
        skip(30 days);
        assertEq(IAavePool(address(pool)).getVirtualUnderlyingBalance(address(token)), 200 * UNIT);
        assertEq(market.liquidity(), 200 * UNIT);
        assertEq(vault.maxWithdraw(ALICE), 400 * UNIT);
        vm.prank(ALICE);
        vm.expectRevert();
        vault.withdraw(400 * UNIT + 1, ALICE, ALICE);
        vm.prank(ALICE);
        vault.withdraw(400 * UNIT, ALICE, ALICE);
        assertEq(market.liquidity(), 0);
        assertEq(vault.maxWithdraw(ALICE), 0);
    }

    function test_a_paused_reserve_is_a_lock() external {
        _enterMarket(address(market), 800 * UNIT);
        configurator.setReservePause(address(token), true);
        assertEq(market.liquidity(), 0);
        assertEq(vault.totalAssets(), 1_000 * UNIT);
        configurator.setReservePause(address(token), false);
        assertEq(market.liquidity(), 800 * UNIT);
    }

    function testFuzz_entries_and_exits_lose_no_more_than_rounding(uint256 time, uint256 enter, uint256 leave)
        external
    {
        _enterMarket(address(market), 400 * UNIT);
        _borrow(200 * UNIT);
        skip(bound(time, 1 days, 300 days));
        vault.settle();
        (uint256 before,,,,) = vault.value();
        _enterMarket(address(market), bound(enter, 1, 600 * UNIT));
        _exitMarket(address(market), bound(leave, 1, 200 * UNIT));
        (uint256 afterwards,,,,) = vault.value();
        assertApproxEqAbs(afterwards, before, 2);
    }
}
