// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title A bucket that drains its whole size over a period
/// @notice In any window of one period no more than twice the size can be poured in.
library LeakyBucket {
    /// @notice More was poured in than there is room for.
    error BucketFull(uint256 level, uint256 amount, uint256 size);

    /// @notice How full the bucket was, and when.
    struct Bucket {
        uint192 level;
        uint64 since;
    }

    /// @notice Returns how full the bucket is now.
    function fill(Bucket memory bucket, uint256 size, uint256 period) internal view returns (uint256) {
        uint256 drained = Math.mulDiv(size, block.timestamp - bucket.since, period);
        return Math.saturatingSub(bucket.level, drained);
    }

    /// @notice Pours `amount` in.
    function pour(Bucket storage bucket, uint256 amount, uint256 size, uint256 period) internal {
        if (amount == 0) return;
        uint256 now_ = fill(bucket, size, period);
        if (now_ + amount > size) revert BucketFull(now_, amount, size);
        bucket.level = SafeCast.toUint192(now_ + amount);
        bucket.since = uint64(block.timestamp);
    }
}
