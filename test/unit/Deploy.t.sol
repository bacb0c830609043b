// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";

import { AttributionLedger } from "../../contracts/AttributionLedger.sol";
import { DemoDollar } from "../../contracts/demo/DemoDollar.sol";
import { Deploy } from "../../script/Deploy.s.sol";

contract DeployTest is Test {
    Deploy internal deployer = new Deploy();
    string internal vector = vm.readFile("test/vectors/deployment.json");

    function test_deploy_wires_the_suite() public {
        Deploy.Suite memory suite = deployer.deploy();
        assertEq(suite.vaultImplementation.ledger(), address(suite.ledger));
        assertEq(suite.registry.ledger(), address(suite.ledger));
        assertEq(suite.registry.vaultImplementation(), address(suite.vaultImplementation));
        assertEq(suite.consents.registry(), address(suite.registry));
        assertEq(suite.market.registry(), address(suite.registry));
        assertEq(suite.market.licenseToken(), address(suite.licenseToken));
        assertEq(suite.licenseToken.market(), address(suite.market));
        assertEq(suite.licenseToken.registry(), address(suite.registry));
        assertEq(suite.licenseToken.renderer(), address(suite.renderer));
        assertEq(suite.votesImplementation.registry(), address(suite.registry));
        assertEq(suite.votesImplementation.consents(), address(suite.consents));
        assertEq(suite.communityFactory.registry(), address(suite.registry));
        assertEq(suite.communityFactory.votesImplementation(), address(suite.votesImplementation));
        assertEq(suite.communityFactory.governorImplementation(), address(suite.governorImplementation));
        assertEq(suite.communityFactory.timelockImplementation(), address(suite.timelockImplementation));
    }

    /// @dev The vector is what Rust deploys from the committed initcode: both say the same addresses, or one is stale.
    function test_deploy_puts_the_suite_where_rust_does() public {
        Deploy.Suite memory suite = deployer.deploy();
        assertEq(deployer.CREATE2_PROXY(), vm.parseJsonAddress(vector, ".create2Proxy"));
        assertEq(deployer.SALT(), vm.parseJsonBytes32(vector, ".salt"));
        assertEq(address(suite.ledger), _address("AttributionLedger"));
        assertEq(suite.ledger.extension(), _address("LedgerExtension"));
        assertEq(address(suite.vaultImplementation), _address("RoyaltyVault"));
        assertEq(address(suite.registry), _address("AssetRegistry"));
        assertEq(address(suite.consents), _address("ConsentRegistry"));
        assertEq(address(suite.renderer), _address("LicenseRenderer"));
        assertEq(address(suite.market), _address("LicenseMarket"));
        assertEq(address(suite.licenseToken), _address("LicenseToken"));
        assertEq(address(suite.votesImplementation), _address("CommunityVotes"));
        assertEq(address(suite.governorImplementation), _address("CommunityGovernor"));
        assertEq(address(suite.timelockImplementation), _address("CommunityTimelock"));
        assertEq(address(suite.communityFactory), _address("CommunityFactory"));
        assertEq(vm.parseJsonKeys(vector, ".contracts").length, 12);
    }

    function _address(string memory name) internal view returns (address) {
        return vm.parseJsonAddress(vector, string.concat(".contracts.", name));
    }

    function test_deploy_again_finds_everything_there() public {
        Deploy.Suite memory first = deployer.deploy();
        Deploy.Suite memory second = new Deploy().deploy();
        assertEq(abi.encode(first), abi.encode(second));
    }

    function test_deploy_puts_initcode_where_create2_says() public {
        Deploy.Suite memory suite = deployer.deploy();
        bytes32 hash = keccak256(type(AttributionLedger).creationCode);
        bytes memory preimage = abi.encodePacked(bytes1(0xff), deployer.CREATE2_PROXY(), bytes32(0), hash);
        assertEq(address(suite.ledger), address(uint160(uint256(keccak256(preimage)))));
    }

    function test_deploy_reverts_without_the_proxy() public {
        vm.etch(deployer.CREATE2_PROXY(), "");
        vm.expectRevert(Deploy.Deploy_NoProxy.selector);
        deployer.deploy();
    }

    function test_deploy_reverts_when_a_constructor_does() public {
        bytes memory reverting = hex"5f5ffd";
        vm.expectRevert(abi.encodeWithSelector(Deploy.Deploy_Failed.selector, deployer.predict(reverting)));
        deployer.create(reverting);
    }

    function testFuzz_demo_dollar_is_for_everybody_with_six_decimals(address to, uint128 amount) public {
        vm.assume(to != address(0));
        DemoDollar dollar = new DemoDollar();
        dollar.mint(to, amount);
        assertEq(dollar.balanceOf(to), amount);
        assertEq(dollar.decimals(), 6);
    }
}
