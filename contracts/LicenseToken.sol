// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC165 } from "@openzeppelin/contracts/interfaces/IERC165.sol";
import { IERC2981 } from "@openzeppelin/contracts/interfaces/IERC2981.sol";
import { IERC4906 } from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import { ERC721 } from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import { IAssetRegistry } from "./interfaces/IAssetRegistry.sol";
import { IERC4907 } from "./interfaces/IERC4907.sol";
import { IERC5192 } from "./interfaces/IERC5192.sol";
import { IERC7572 } from "./interfaces/IERC7572.sol";
import { IERC7858 } from "./interfaces/IERC7858.sol";
import { ILicenseMarket } from "./interfaces/ILicenseMarket.sol";
import { ILicenseRenderer } from "./interfaces/ILicenseRenderer.sol";
import { ILicenseToken } from "./interfaces/ILicenseToken.sol";
import { BASIS_POINTS } from "./libraries/BasisPoints.sol";

/// @title LicenseToken
/// @notice See {ILicenseToken}. Made by its market.
contract LicenseToken is ILicenseToken, ERC721, IERC2981, IERC4906, IERC4907, IERC5192, IERC7572, IERC7858 {
    uint256 internal constant RESALE_ROYALTY_BPS = 500;

    /// @dev A {License} in one slot: asset and terms are the offer's, which never changes.
    struct StoredLicense {
        uint64 offerId;
        uint48 issuedAt;
        uint48 expiresAt;
        bool transferable;
        bool delegable;
    }

    struct User {
        address account;
        uint64 expires;
    }

    /// @inheritdoc ILicenseToken
    address public immutable market;
    /// @inheritdoc ILicenseToken
    address public immutable registry;
    /// @inheritdoc ILicenseToken
    address public immutable renderer;

    uint256 private _lastId;
    mapping(uint256 tokenId => StoredLicense) private _licenses;
    mapping(uint256 tokenId => User) private _users;

    constructor(IAssetRegistry registry_, ILicenseRenderer renderer_) ERC721("Tributary License", "LICENSE") {
        market = msg.sender;
        registry = address(registry_);
        renderer = address(renderer_);
        emit ContractURIUpdated();
    }

    /// @inheritdoc ILicenseToken
    function issue(address recipient, License calldata license) external returns (uint256 tokenId) {
        _checkMarket();

        // Effect.
        tokenId = ++_lastId;
        _licenses[tokenId] = StoredLicense({
            offerId: SafeCast.toUint64(license.offerId),
            issuedAt: SafeCast.toUint48(license.issuedAt),
            expiresAt: SafeCast.toUint48(license.expiresAt),
            transferable: license.transferable,
            delegable: license.delegable
        });
        _mint(recipient, tokenId);

        // Log.
        emit LicenseIssued({
            tokenId: tokenId,
            assetId: license.assetId,
            recipient: recipient,
            termsId: license.termsId,
            issuedAt: license.issuedAt,
            expiresAt: license.expiresAt
        });
        _logExpiry(tokenId, license.issuedAt, license.expiresAt);
        if (!license.transferable) emit Locked(tokenId);
    }

    /// @inheritdoc ILicenseToken
    function renew(uint256 tokenId, uint64 duration) external returns (uint64 expiresAt) {
        _checkMarket();
        _requireOwned(tokenId);

        // Effect.
        StoredLicense storage license = _licenses[tokenId];
        expiresAt = uint64(Math.max(block.timestamp, license.expiresAt)) + duration;
        license.expiresAt = SafeCast.toUint48(expiresAt);

        // Log.
        _logExpiry(tokenId, license.issuedAt, expiresAt);
        emit MetadataUpdate(tokenId);
    }

    /// @inheritdoc ILicenseToken
    function burn(uint256 tokenId) external {
        _checkMarket();

        // Effect.
        _burn(tokenId);
        delete _licenses[tokenId];

        // Log.
        emit MetadataUpdate(tokenId);
    }

    /// @inheritdoc IERC4907
    /// @dev By the holder or whom the holder has approved. Also emits ERC-4906 MetadataUpdate. Errors:
    /// ERC721NonexistentToken, ERC721InsufficientApproval, License_NotDelegable, License_UserOutlivesLicense.
    function setUser(uint256 tokenId, address user, uint64 expires) external {
        // Check.
        _checkAuthorized(_requireOwned(tokenId), msg.sender, tokenId);
        StoredLicense storage license = _licenses[tokenId];
        if (!license.delegable) revert License_NotDelegable(tokenId);
        if (license.expiresAt != 0 && expires > license.expiresAt) {
            revert License_UserOutlivesLicense(tokenId, expires, license.expiresAt);
        }

        _setUser(tokenId, user, expires);
    }

    /// @inheritdoc ILicenseToken
    function licenseOf(uint256 tokenId) external view returns (License memory) {
        _requireOwned(tokenId);
        return _licenseOf(tokenId, _offerOf(tokenId));
    }

    /// @inheritdoc ILicenseToken
    function licensesOf(uint256[] calldata tokenIds) external view returns (License[] memory licenses) {
        licenses = new License[](tokenIds.length);
        for (uint256 i = 0; i < tokenIds.length; ++i) {
            uint256 tokenId = tokenIds[i];
            if (_ownerOf(tokenId) != address(0)) licenses[i] = _licenseOf(tokenId, _offerOf(tokenId));
        }
    }

    /// @inheritdoc ILicenseToken
    function limitsOf(uint256 tokenId) external view returns (Limits memory limits) {
        limits.holder = _requireOwned(tokenId);
        License memory license = _licenseOf(tokenId, _offerOf(tokenId));
        limits.assetId = license.assetId;
        limits.termsId = license.termsId;
        limits.issuedAt = license.issuedAt;
        limits.expiresAt = license.expiresAt;
        limits.transferable = license.transferable;
        limits.delegable = license.delegable;
        limits.expired = _isExpired(tokenId);
        limits.user = userOf(tokenId);
        if (limits.user != address(0)) limits.userExpires = _users[tokenId].expires;

        ILicenseMarket.Terms memory terms = ILicenseMarket(market).termsOf(license.termsId);
        limits.rights = terms.rights;
        limits.obligations = terms.obligations;
        limits.maxCalls = terms.maxCalls;
        limits.callsPerMinute = terms.callsPerMinute;
        limits.territory = terms.territory;
        limits.fieldOfUse = terms.fieldOfUse;
        limits.legalTextHash = terms.legalTextHash;
        limits.revocable = terms.revocable;
    }

    /// @inheritdoc ILicenseToken
    function offerIdOf(uint256 tokenId) external view returns (uint256) {
        _requireOwned(tokenId);
        return _licenses[tokenId].offerId;
    }

    /// @inheritdoc IERC7572
    function contractURI() external view returns (string memory) {
        return ILicenseRenderer(renderer).contractURI();
    }

    /// @notice The license's metadata and image, whole; see {ILicenseRenderer-tokenURI}.
    /// @dev Reverts with ERC721NonexistentToken for one that does not exist.
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        _requireOwned(tokenId);
        ILicenseMarket.Offer memory offer = _offerOf(tokenId);
        ILicenseRenderer.Subject memory subject = ILicenseRenderer.Subject({
            tokenId: tokenId,
            license: _licenseOf(tokenId, offer),
            offer: offer,
            terms: ILicenseMarket(market).termsOf(offer.termsId)
        });
        return ILicenseRenderer(renderer).tokenURI(subject);
    }

    /// @inheritdoc ILicenseToken
    function isLicensed(uint256 tokenId, address account, uint256 rights) external view returns (bool) {
        address holder = _ownerOf(tokenId);
        if (holder == address(0) || account == address(0) || rights == 0 || _isExpired(tokenId)) return false;
        if (account != holder && account != userOf(tokenId)) return false;
        uint256 granted = ILicenseMarket(market).rightsOf(_licenses[tokenId].offerId);
        return granted & rights == rights;
    }

    /// @inheritdoc IERC4907
    function userOf(uint256 tokenId) public view returns (address) {
        User storage user = _users[tokenId];
        return block.timestamp > user.expires || _isExpired(tokenId) ? address(0) : user.account;
    }

    /// @inheritdoc IERC4907
    function userExpires(uint256 tokenId) external view returns (uint256) {
        return _users[tokenId].expires;
    }

    /// @inheritdoc IERC5192
    function locked(uint256 tokenId) external view returns (bool) {
        _requireOwned(tokenId);
        return !_licenses[tokenId].transferable;
    }

    /// @inheritdoc IERC7858
    function expiryType() external pure returns (EXPIRY_TYPE) {
        return EXPIRY_TYPE.TIME_BASED;
    }

    /// @inheritdoc IERC7858
    function startTime(uint256 tokenId) public view returns (uint256) {
        _requireOwned(tokenId);
        StoredLicense storage license = _licenses[tokenId];
        return license.expiresAt == 0 ? 0 : license.issuedAt;
    }

    /// @inheritdoc IERC7858
    function endTime(uint256 tokenId) public view returns (uint256) {
        _requireOwned(tokenId);
        return _licenses[tokenId].expiresAt;
    }

    /// @inheritdoc IERC7858
    function isTokenExpired(uint256 tokenId) external view returns (bool) {
        _requireOwned(tokenId);
        return _isExpired(tokenId);
    }

    /// @inheritdoc IERC2981
    /// @dev 5 % of the price, rounded down, to the asset's vault, where it is revenue without receipts.
    function royaltyInfo(uint256 tokenId, uint256 salePrice) external view returns (address, uint256) {
        _requireOwned(tokenId);
        address vault = IAssetRegistry(registry).vaultOf(_offerOf(tokenId).assetId);
        return (vault, salePrice * RESALE_ROYALTY_BPS / BASIS_POINTS);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC721, IERC165) returns (bool) {
        return interfaceId == type(IERC2981).interfaceId || interfaceId == bytes4(0x49064906)
            || interfaceId == type(IERC4907).interfaceId || interfaceId == type(IERC5192).interfaceId
            || interfaceId == type(IERC7858).interfaceId || super.supportsInterface(interfaceId);
    }

    /// @dev A license that is bound to its holder stays until it is burned; a user goes with the holder who named it.
    function _update(address to, uint256 tokenId, address auth) internal override returns (address from) {
        from = super._update(to, tokenId, auth);
        if (from == address(0)) return from;
        if (to != address(0) && !_licenses[tokenId].transferable) revert License_NotTransferable(tokenId);
        if (_users[tokenId].account != address(0)) _setUser(tokenId, address(0), 0);
    }

    function _setUser(uint256 tokenId, address user, uint64 expires) private {
        // Effect.
        _users[tokenId] = User({ account: user, expires: expires });

        // Log.
        emit UpdateUser({ tokenId: tokenId, user: user, expires: expires });
        emit MetadataUpdate(tokenId);
    }

    function _logExpiry(uint256 tokenId, uint64 issuedAt, uint64 expiresAt) private {
        emit TokenExpiryUpdated({ tokenId: tokenId, startTime: expiresAt == 0 ? 0 : issuedAt, endTime: expiresAt });
    }

    function _licenseOf(uint256 tokenId, ILicenseMarket.Offer memory offer) private view returns (License memory) {
        StoredLicense storage license = _licenses[tokenId];
        return License({
            assetId: offer.assetId,
            termsId: offer.termsId,
            offerId: license.offerId,
            issuedAt: license.issuedAt,
            expiresAt: license.expiresAt,
            transferable: license.transferable,
            delegable: license.delegable
        });
    }

    function _offerOf(uint256 tokenId) private view returns (ILicenseMarket.Offer memory) {
        return ILicenseMarket(market).offerOf(_licenses[tokenId].offerId);
    }

    function _checkMarket() private view {
        if (msg.sender != market) revert License_NotMarket(msg.sender);
    }

    function _isExpired(uint256 tokenId) private view returns (bool) {
        uint256 expiresAt = _licenses[tokenId].expiresAt;
        return expiresAt != 0 && block.timestamp >= expiresAt;
    }
}
