// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title ILicenseToken
/// @notice Licenses as ERC-721 tokens: one token is one seat. Ids start at 1.
///
/// Also: ERC-2981 (resale royalty to the asset's vault), ERC-4906 (metadata updates), ERC-4907 (a user beside the
/// holder, where the terms allow it), ERC-5192 (bound to the holder, where the terms say so), ERC-7572 (metadata of the
/// collection), ERC-7858 (expiry, in seconds; a perpetual license has start 0 and end 0).
///
/// A license is good from its issue until it expires or is burned, and while it is lapsed and not renewed it is good for
/// nothing. ERC-4906 MetadataUpdate tells of every renewal, change of user and burning; only expiry passes silently.
interface ILicenseToken {
    /// @notice What a license is for.
    struct License {
        uint128 assetId;
        bytes32 termsId;
        /// The offer it was bought under, which names the two above.
        uint256 offerId;
        /// When it was issued, in seconds since 1970.
        uint64 issuedAt;
        /// The first second at which it is no longer good; 0 means never.
        uint64 expiresAt;
        bool transferable;
        bool delegable;
    }

    /// @notice All that a license allows and who may use it, for programs.
    struct Limits {
        uint128 assetId;
        bytes32 termsId;
        /// Bits of `Rights`.
        uint256 rights;
        /// Bits of `Obligations`.
        uint256 obligations;
        /// Calls over the license's life; 0 means unlimited.
        uint64 maxCalls;
        /// Calls in any minute; 0 means unlimited.
        uint32 callsPerMinute;
        /// keccak256 of the territory as the legal text names it; zero means worldwide.
        bytes32 territory;
        /// keccak256 of the field of use as the legal text names it; zero means any.
        bytes32 fieldOfUse;
        bytes32 legalTextHash;
        /// In seconds since 1970.
        uint64 issuedAt;
        /// The first second at which it is no longer good; 0 means never.
        uint64 expiresAt;
        bool transferable;
        bool delegable;
        bool revocable;
        /// Whether it has expired.
        bool expired;
        address holder;
        /// Who may use it beside the holder now; zero if nobody.
        address user;
        /// The last second of that use; 0 if there is none.
        uint64 userExpires;
    }

    event LicenseIssued(
        uint256 indexed tokenId,
        uint128 indexed assetId,
        address indexed recipient,
        bytes32 termsId,
        uint64 issuedAt,
        uint64 expiresAt
    );

    error License_NotMarket(address caller);
    error License_NotTransferable(uint256 tokenId);
    error License_NotDelegable(uint256 tokenId);
    error License_UserOutlivesLicense(uint256 tokenId, uint64 expires, uint64 expiresAt);

    /// @notice Issues a license, without a receiver callback.
    /// @dev By the market. Emits {LicenseIssued}, ERC-721 Transfer, ERC-7858 TokenExpiryUpdated and, if the license is
    /// not transferable, ERC-5192 Locked. Errors: License_NotMarket.
    function issue(address recipient, License calldata license) external returns (uint256 tokenId);

    /// @notice Extends a license by `duration` seconds, from its end or, if that has passed, from now.
    /// @dev By the market, for a license that expires. Emits ERC-7858 TokenExpiryUpdated and ERC-4906 MetadataUpdate.
    /// Errors: License_NotMarket, ERC721NonexistentToken.
    /// @return expiresAt The new end, in seconds since 1970.
    function renew(uint256 tokenId, uint64 duration) external returns (uint64 expiresAt);

    /// @notice Ends a license, also one that is bound to its holder.
    /// @dev By the market. Emits ERC-721 Transfer to zero, ERC-4906 MetadataUpdate and, if there was a user, ERC-4907
    /// UpdateUser. Errors: License_NotMarket, ERC721NonexistentToken.
    function burn(uint256 tokenId) external;

    /// @notice The market that issues the licenses and knows their terms.
    function market() external view returns (address);

    /// @notice The registry that knows the assets and their vaults.
    function registry() external view returns (address);

    /// @notice What writes the licenses' metadata and images.
    function renderer() external view returns (address);

    /// @notice A license. Reverts with ERC721NonexistentToken for one that does not exist.
    function licenseOf(uint256 tokenId) external view returns (License memory);

    /// @notice Several licenses; all zero for one that does not exist.
    function licensesOf(uint256[] calldata tokenIds) external view returns (License[] memory);

    /// @notice All that a license allows. Reverts with ERC721NonexistentToken for one that does not exist.
    function limitsOf(uint256 tokenId) external view returns (Limits memory);

    /// @notice The offer that a license was bought under. Reverts with ERC721NonexistentToken for one that does not exist.
    function offerIdOf(uint256 tokenId) external view returns (uint256);

    /// @notice Whether `account` may use the license now for all of `rights`: it has not expired, the account is its
    /// holder or its user, and the terms include every right.
    /// @dev Never reverts; false for a license that does not exist and for no rights.
    /// @param rights Bits of `Rights`.
    function isLicensed(uint256 tokenId, address account, uint256 rights) external view returns (bool);
}
