// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @notice ERC-3009 as the dollar tokens had it first: signatures of keys alone.
contract KeyDollar is ERC20, EIP712 {
    bytes32 public constant RECEIVE_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    mapping(address payer => mapping(bytes32 nonce => bool)) public authorizationState;

    constructor() ERC20("Key Dollar", "USDK") EIP712("Key Dollar", "2") { }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function hashAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce
    ) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(abi.encode(RECEIVE_TYPEHASH, from, to, value, validAfter, validBefore, nonce))
        );
    }

    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        bytes32 digest = hashAuthorization(from, to, value, validAfter, validBefore, nonce);
        require(_isSigned(from, digest, abi.encodePacked(r, s, v)), "invalid signature");
        _receive(from, to, value, validAfter, validBefore, nonce);
    }

    function _receive(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce)
        internal
    {
        require(to == msg.sender, "caller must be the payee");
        require(block.timestamp > validAfter, "authorization is not yet valid");
        require(block.timestamp < validBefore, "authorization is expired");
        require(!authorizationState[from][nonce], "authorization is used or canceled");
        authorizationState[from][nonce] = true;
        _transfer(from, to, value);
    }

    function _isSigned(address from, bytes32 digest, bytes memory signature) internal view virtual returns (bool) {
        return ECDSA.recover(digest, signature) == from;
    }
}

/// @notice ERC-3009 as the dollar tokens have it now: also with signatures of any form, and for contract wallets.
contract WalletDollar is KeyDollar {
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) external {
        bytes32 digest = hashAuthorization(from, to, value, validAfter, validBefore, nonce);
        require(_isSigned(from, digest, signature), "invalid signature");
        _receive(from, to, value, validAfter, validBefore, nonce);
    }

    function _isSigned(address from, bytes32 digest, bytes memory signature) internal view override returns (bool) {
        return SignatureChecker.isValidSignatureNow(from, digest, signature);
    }
}

/// @notice A token that answers every call it does not know with success, as wrapped coins do.
contract PhantomToken is ERC20 {
    constructor() ERC20("Phantom", "PHANT") { }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    fallback() external payable { }
}

/// @notice A wallet of two keys that signs by ERC-1271 with both signatures, one after the other: 130 bytes.
contract TwoKeyWallet is IERC1271 {
    address private immutable FIRST;
    address private immutable SECOND;

    constructor(address first, address second) {
        FIRST = first;
        SECOND = second;
    }

    function call(address target, bytes calldata data) external {
        (bool success,) = target.call(data);
        require(success);
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        if (signature.length != 130) return 0;
        bool both = ECDSA.recover(hash, signature[:65]) == FIRST && ECDSA.recover(hash, signature[65:]) == SECOND;
        return both ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
