// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice A plain token anyone may mint.
contract Token is ERC20 {
    uint8 private immutable _places;

    constructor(uint8 places) ERC20("Token", "TOK") {
        _places = places;
    }

    function decimals() public view override returns (uint8) {
        return _places;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function burn(address from, uint256 amount) external {
        _burn(from, amount);
    }
}

/// @notice Keeps a part of each transfer once switched on.
contract FeeToken is Token {
    uint256 public feeBps;
    bool public isOnTop;

    constructor() Token(6) {}

    /// @notice Takes the fee from the sender beside the amount, not out of it.
    function setOnTop(bool onTop) external {
        isOnTop = onTop;
    }

    function setFee(uint256 bps) external {
        feeBps = bps;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (from == address(0) || to == address(0) || feeBps == 0) return super._update(from, to, amount);
        uint256 fee = amount * feeBps / 10_000;
        super._update(from, to, isOnTop ? amount : amount - fee);
        super._update(from, address(0xfee), fee);
    }
}

/// @notice A token of 18 decimals that keeps a part of each transfer once switched on.
contract FeeToken18 is Token {
    uint256 public feeBps;

    constructor() Token(18) {}

    function setFee(uint256 bps) external {
        feeBps = bps;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (from == address(0) || to == address(0) || feeBps == 0) return super._update(from, to, amount);
        uint256 fee = amount * feeBps / 10_000;
        super._update(from, to, amount - fee);
        super._update(from, address(0xfee), fee);
    }
}

/// @notice Refuses transfers from or to listed accounts.
contract BlockToken is Token {
    mapping(address => bool) public blocked;

    constructor() Token(6) {}

    function setBlocked(address account, bool isBlocked) external {
        blocked[account] = isBlocked;
    }

    function _update(address from, address to, uint256 amount) internal override {
        require(!blocked[from] && !blocked[to], "blocked");
        super._update(from, to, amount);
    }
}

/// @notice Calls a listener before and after each transfer, like a token with hooks.
contract HookToken is Token {
    address public listener;

    constructor() Token(6) {}

    function setListener(address who) external {
        listener = who;
    }

    function _update(address from, address to, uint256 amount) internal override {
        _tell();
        super._update(from, to, amount);
        _tell();
    }

    function _tell() private {
        if (listener == address(0)) return;
        (bool done, bytes memory why) = listener.call(abi.encodeWithSignature("heard()"));
        if (done) return;
        assembly {
            revert(add(why, 32), mload(why))
        }
    }
}

/// @notice A token without ERC20 base: says nothing on transfer, or says false without moving anything.
contract OddToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    bool public saysFalse;
    uint8 public constant decimals = 6;

    function setSaysFalse(bool says) external {
        saysFalse = says;
    }

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        // Like the best known of its kind: from one allowance to another only through zero.
        require(amount == 0 || allowance[msg.sender][spender] == 0, "reset first");
        allowance[msg.sender][spender] = amount;
        _say();
    }

    function transfer(address to, uint256 amount) external {
        if (!saysFalse) {
            balanceOf[msg.sender] -= amount;
            balanceOf[to] += amount;
        }
        _say();
    }

    function transferFrom(address from, address to, uint256 amount) external {
        if (!saysFalse) {
            allowance[from][msg.sender] -= amount;
            balanceOf[from] -= amount;
            balanceOf[to] += amount;
        }
        _say();
    }

    function _say() private view {
        if (!saysFalse) return;
        assembly {
            mstore(0, 0)
            return(0, 32)
        }
    }
}
