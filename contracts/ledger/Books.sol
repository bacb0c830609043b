// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { BitMaps } from "@openzeppelin/contracts/utils/structs/BitMaps.sol";

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";
import { SumTree } from "../libraries/SumTree.sol";

/// @title Books
/// @notice Everything the ledger keeps. All of its state is here and nowhere else, so that the ledger and its extension,
/// which runs on the ledger's state, agree on where everything stands.
abstract contract Books is EIP712 {
    /// @dev The `activeAt` of a challenged root: claims need not look further.
    uint40 internal constant NEVER = type(uint40).max;

    /// @dev What claims, proofs and receipts need of a root, in three slots; the rest is in {RootPosted}. A rejected root
    /// leaves all zero but `attempt`, which counts the rejections at the index.
    struct StoredRoot {
        bytes32 root;
        bytes32 receiptsRoot;
        uint128 sum;
        uint40 activeAt;
        uint40 leafCount;
        uint32 receiptsCount;
        uint16 attempt;
    }

    /// @dev A (vault, token). The first slot is what every claim and every new root needs, the second what is staked on
    /// the newest root, the third what only a challenge needs.
    struct Book {
        /// The newest root, active or not.
        uint64 count;
        /// The end of its period and of the one before.
        uint64 periodEnd;
        uint64 previousEnd;
        /// When the announced fallback may be executed; 0 while none is, and whenever the newest root is not active.
        uint64 fallbackAt;
        /// Zero once the bond is released or lost.
        address poster;
        uint24 policyIndex;
        /// Not 0 if the newest root was ever challenged.
        uint40 challengedUntil;
        /// How many challenges at this index have timed out, at most 32.
        uint8 doublings;
        /// Zero unless a challenge is open.
        address challenger;
        /// When the challenged root would have been active.
        uint40 activeAt;
        mapping(uint64 index => StoredRoot) roots;
        mapping(address account => uint128) claimedBy;
    }

    /// @dev Policies are kept as code, so that reading one costs one account. Another one takes effect by time alone:
    /// from `changeAt` on, if that is not 0, the next index is in effect, whatever stands here.
    struct Line {
        address pointer;
        uint24 index;
        uint48 changeAt;
    }

    mapping(address vault => mapping(address token => Book)) internal _books;
    mapping(address vault => Line) internal _lines;
    /// @dev The policies at all indices but that of the line.
    mapping(address vault => mapping(uint24 index => address)) internal _pointers;
    /// @dev What accounts have here in native coin, beside what is staked on roots and challenges.
    mapping(address account => uint256) internal _bonds;
    mapping(address account => address) internal _recipients;
    mapping(address account => BitMaps.BitMap) internal _nonces;

    constructor() EIP712("Tributary", "1") { }

    function _isActive(StoredRoot storage stored) internal view returns (bool) {
        uint256 activeAt = stored.activeAt;
        return activeAt != 0 && block.timestamp >= activeAt;
    }

    /// @dev The newest root, or the one before it while the newest is not active; 0 if there is none.
    function _newestActive(Book storage book) internal view returns (uint64) {
        uint64 count = book.count;
        return count == 0 || _isActive(book.roots[count]) ? count : count - 1;
    }

    /// @dev The newest root, which is active or does not exist.
    function _checkResolved(address vault, address token, Book storage book)
        internal
        view
        returns (uint64 count, StoredRoot storage last)
    {
        count = book.count;
        last = book.roots[count];
        if (count != 0 && !_isActive(last)) {
            revert IAttributionLedger.Ledger_RootPending(vault, token, count, last.activeAt);
        }
    }

    /// @dev Reverts unless the leaf is in the root and payable, and the root's leaves sum to what was signed.
    function _checkLeaf(
        StoredRoot storage stored,
        address account,
        uint128 cumulative,
        uint64 index,
        bytes calldata proof
    ) internal view returns (uint128) {
        (bytes32 root, uint128 sum) = SumTree.verify(account, cumulative, index, stored.leafCount, proof);
        if (root != stored.root || sum != stored.sum) revert IAttributionLedger.Ledger_BadProof(account, cumulative);
        return sum;
    }
}
