// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;
import {IPriceOracle} from "../../src/interfaces/IPriceOracle.sol";

contract PriceDouble is IPriceOracle {
    uint256 public num;
    uint256 public den;
    uint256 public bandBps;
    bool public fresh = true;

    constructor(uint256 num_, uint256 den_, uint256 band_) {
        (num, den, bandBps) = (num_, den_, band_);
    }

    function set(uint256 num_, bool fresh_) external {
        (num, fresh) = (num_, fresh_);
    }

    function quote(uint256 amount) external view returns (uint256, uint256, bool) {
        return (
            amount * num * (10_000 - bandBps) / den / 10_000,
            (amount * num * (10_000 + bandBps) + den * 10_000 - 1) / den / 10_000,
            fresh
        );
    }
}
