// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// @title A stand-in for a Chainlink price feed
/// @notice Answers as AggregatorV3Interface does, and `latestAnswer` for Aave's oracle; anyone may post a round.
contract PriceFeed {
    struct Round {
        int256 answer;
        uint256 updatedAt;
    }

    uint256 public constant version = 4;
    uint8 public immutable decimals;
    string public description;
    uint80 public latestRound;
    mapping(uint80 => Round) private _rounds;

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    error NoDataPresent();

    constructor(string memory description_, uint8 decimals_, int256 answer) {
        description = description_;
        decimals = decimals_;
        _post(answer, block.timestamp);
    }

    /// @notice Posts a round of this block.
    function post(int256 answer) external {
        _post(answer, block.timestamp);
    }

    /// @notice Posts a round that claims to be of another time: a feed that lags, or stands still.
    function postAt(int256 answer, uint256 updatedAt) external {
        _post(answer, updatedAt);
    }

    function latestAnswer() external view returns (int256) {
        return _rounds[latestRound].answer;
    }

    function latestTimestamp() external view returns (uint256) {
        return _rounds[latestRound].updatedAt;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return getRoundData(latestRound);
    }

    function getRoundData(uint80 id)
        public
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        Round memory round = _rounds[id];
        if (id == 0 || id > latestRound) revert NoDataPresent();
        return (id, round.answer, round.updatedAt, round.updatedAt, id);
    }

    function _post(int256 answer, uint256 updatedAt) private {
        uint80 id = ++latestRound;
        _rounds[id] = Round(answer, updatedAt);
        emit AnswerUpdated(answer, id, updatedAt);
    }
}
