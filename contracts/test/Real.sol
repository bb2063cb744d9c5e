// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {StakedEth, IFinalize} from "../local/StakedEth.sol";
import {WithdrawalQueue} from "../local/WithdrawalQueue.sol";
import {WrappedStakedEth} from "../local/WrappedStakedEth.sol";

/// @notice What of the protocols' own functions tests call.
interface IPairFactory {
    function createPair(address a, address b) external returns (address);
    function setFeeTo(address to) external;
}

interface IStakingSetUp {
    function notifyRewardAmount(uint256 reward) external;
    function periodFinish() external view returns (uint256);
    function earned(address account) external view returns (uint256);
    function balanceOf(address account) external view returns (uint256);
}

interface IStableFactory {
    function create(
        string calldata name,
        string calldata symbol,
        address[] calldata tokens,
        uint256 amplification,
        address[] calldata rateProviders,
        uint256[] calldata cacheDurations,
        bool[] calldata exemptFromYieldFee,
        uint256 swapFee,
        address owner
    ) external returns (address);
}

interface IERC20All {
    function balanceOf(address) external view returns (uint256);
    function transfer(address, uint256) external returns (bool);
    function approve(address, uint256) external returns (bool);
    function decimals() external view returns (uint8);
}

/// @notice What of WETH9 the tests call.
interface IWethMore {
    function deposit() external payable;
}

/// @notice Deploys the protocols' own bytecode from their npm packages, and the stand-ins for what has none.
abstract contract Real is Test {
    string private constant V2 = "node_modules/@uniswap/v2-core/build/";
    string private constant STAKER = "node_modules/@uniswap/liquidity-staker/build/";
    string private constant BALANCER = "node_modules/@balancer-labs/v2-deployments/dist/tasks/";
    string private constant WETH = "node_modules/canonical-weth/build/contracts/WETH9.json";

    address internal constant REPORTER = address(0x0201);
    address internal constant TREASURY = address(0x0202);

    /// @dev Who may do what in Balancer; this contract is its admin.
    address internal authorizer;

    /// @dev The creation code in an artifact, whether written with or without 0x.
    function _creationCode(string memory path) internal view returns (bytes memory) {
        string memory code = vm.parseJsonString(vm.readFile(path), ".bytecode");
        bytes memory raw = bytes(code);
        return vm.parseBytes(raw[1] == "x" ? code : string.concat("0x", code));
    }

    function _make(string memory path, bytes memory arguments) internal returns (address made) {
        bytes memory all = abi.encodePacked(_creationCode(path), arguments);
        assembly {
            made := create(0, add(all, 32), mload(all))
        }
        require(made != address(0), path);
    }

    function _makeWeth() internal returns (address) {
        return _make(WETH, "");
    }

    function _makePairFactory() internal returns (IPairFactory) {
        return IPairFactory(_make(string.concat(V2, "UniswapV2Factory.json"), abi.encode(address(this))));
    }

    /// @dev Rewards are told of by this contract; they last 60 days.
    function _makeStaking(address reward, address pair) internal returns (IStakingSetUp) {
        bytes memory arguments = abi.encode(address(this), reward, pair);
        return IStakingSetUp(_make(string.concat(STAKER, "StakingRewards.json"), arguments));
    }

    function _makeBalancer(address weth) internal returns (address vault, IStableFactory factory) {
        authorizer =
            _make(string.concat(BALANCER, "20210418-authorizer/artifact/Authorizer.json"), abi.encode(address(this)));
        vault = _make(
            string.concat(BALANCER, "20210418-vault/artifact/Vault.json"),
            abi.encode(authorizer, weth, 90 days, 30 days)
        );
        address fees = _make(
            string.concat(
                BALANCER, "20220725-protocol-fee-percentages-provider/artifact/ProtocolFeePercentagesProvider.json"
            ),
            abi.encode(vault, 0.5e18, 0.5e18)
        );
        factory = IStableFactory(
            _make(
                string.concat(BALANCER, "20230206-composable-stable-pool-v3/artifact/ComposableStablePoolFactory.json"),
                abi.encode(vault, fees, "1", "1")
            )
        );
    }

    /// @dev Balancer's own rate provider over wstETH.
    function _makeRateProvider(address wstEth) internal returns (address) {
        return _make(
            string.concat(BALANCER, "20210812-wsteth-rate-provider/artifact/WstETHRateProvider.json"),
            abi.encode(wstEth)
        );
    }

    /// @dev Stand-ins: there is no bytecode of Lido in any package.
    function _makeLido() internal returns (StakedEth stEth, WrappedStakedEth wstEth, WithdrawalQueue queue) {
        stEth = new StakedEth(REPORTER, TREASURY);
        wstEth = new WrappedStakedEth(stEth);
        queue = new WithdrawalQueue(wstEth);
        vm.prank(REPORTER);
        stEth.setQueue(IFinalize(address(queue)));
    }

    function _reward(StakedEth stEth, uint256 eth) internal {
        vm.deal(REPORTER, eth);
        vm.prank(REPORTER);
        stEth.reportRewards{value: eth}();
    }

    function _slash(StakedEth stEth, uint256 eth) internal {
        vm.prank(REPORTER);
        stEth.reportSlashing(eth);
    }

    function _finalize(StakedEth stEth, uint256 lastId) internal {
        vm.prank(REPORTER);
        stEth.finalize(lastId);
    }
}
