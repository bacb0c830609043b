// Written by `cargo xtask contracts`; do not edit.

export const communityFactoryAbi = [
  {
    type: "constructor",
    stateMutability: "nonpayable",
    inputs: [
      { type: "address", name: "votes" },
      { type: "address", name: "governor" },
      { type: "address", name: "timelock" },
    ],
  },
  {
    type: "function",
    name: "assetIdOf",
    stateMutability: "view",
    inputs: [
      { type: "address", name: "creator" },
      { type: "bytes32", name: "salt" },
      { type: "bytes32", name: "assetSalt" },
    ],
    outputs: [{ type: "uint128", name: "" }],
  },
  {
    type: "function",
    name: "create",
    stateMutability: "nonpayable",
    inputs: [
      {
        type: "tuple",
        name: "charter",
        components: [
          { type: "string", name: "name" },
          { type: "string", name: "symbol" },
          { type: "bytes32", name: "salt" },
          {
            type: "tuple[]",
            name: "founders",
            components: [{ type: "address", name: "account" }, { type: "uint256", name: "votes" }],
          },
          { type: "uint256", name: "emissionCap" },
          { type: "uint256", name: "votesPerRecord" },
          { type: "uint48", name: "votingDelay" },
          { type: "uint32", name: "votingPeriod" },
          { type: "uint256", name: "proposalThreshold" },
          { type: "uint256", name: "quorum" },
          { type: "uint256", name: "timelockDelay" },
        ],
      },
      {
        type: "tuple[]",
        name: "assets",
        components: [
          { type: "uint8", name: "kind" },
          { type: "bytes32", name: "salt" },
          { type: "address", name: "owner" },
          {
            type: "tuple",
            name: "shares",
            components: [
              { type: "address", name: "payee" },
              { type: "uint16", name: "payeeBps" },
              { type: "address", name: "host" },
              { type: "uint16", name: "hostBps" },
              { type: "address", name: "curators" },
              { type: "uint16", name: "curatorsBps" },
              { type: "uint16", name: "poolBps" },
            ],
          },
          {
            type: "tuple[]",
            name: "edges",
            components: [
              { type: "uint128", name: "parent" },
              { type: "uint32", name: "parentVersion" },
              { type: "uint8", name: "kind" },
              { type: "uint16", name: "shareBps" },
              { type: "uint256", name: "licenseId" },
            ],
          },
          {
            type: "tuple",
            name: "derivation",
            components: [
              { type: "uint8", name: "rule" },
              { type: "uint16", name: "minShareBps" },
              { type: "address", name: "licenseToken" },
            ],
          },
          {
            type: "tuple",
            name: "policy",
            components: [
              { type: "address[]", name: "signers" },
              { type: "uint8", name: "threshold" },
              { type: "uint32", name: "window" },
              { type: "address", name: "arbiter" },
              { type: "uint32", name: "arbiterPeriod" },
              { type: "uint88", name: "posterBond" },
              { type: "uint88", name: "challengeBond" },
              { type: "uint32", name: "fallbackAfter" },
              { type: "bytes32", name: "settlementPolicy" },
            ],
          },
          { type: "string", name: "uri" },
        ],
      },
    ],
    outputs: [
      {
        type: "tuple",
        name: "community",
        components: [
          { type: "address", name: "votes" },
          { type: "address", name: "governor" },
          { type: "address", name: "timelock" },
        ],
      },
      { type: "uint128[]", name: "assetIds" },
    ],
  },
  {
    type: "function",
    name: "governorImplementation",
    stateMutability: "view",
    inputs: [],
    outputs: [{ type: "address", name: "" }],
  },
  {
    type: "function",
    name: "predict",
    stateMutability: "view",
    inputs: [{ type: "address", name: "creator" }, { type: "bytes32", name: "salt" }],
    outputs: [
      {
        type: "tuple",
        name: "",
        components: [
          { type: "address", name: "votes" },
          { type: "address", name: "governor" },
          { type: "address", name: "timelock" },
        ],
      },
    ],
  },
  { type: "function", name: "registry", stateMutability: "view", inputs: [], outputs: [{ type: "address", name: "" }] },
  {
    type: "function",
    name: "timelockImplementation",
    stateMutability: "view",
    inputs: [],
    outputs: [{ type: "address", name: "" }],
  },
  {
    type: "function",
    name: "votesImplementation",
    stateMutability: "view",
    inputs: [],
    outputs: [{ type: "address", name: "" }],
  },
  {
    type: "event",
    name: "CommunityCreated",
    anonymous: false,
    inputs: [
      { type: "address", name: "creator", indexed: true },
      { type: "bytes32", name: "salt", indexed: true },
      {
        type: "tuple",
        name: "community",
        indexed: false,
        components: [
          { type: "address", name: "votes" },
          { type: "address", name: "governor" },
          { type: "address", name: "timelock" },
        ],
      },
      {
        type: "tuple",
        name: "charter",
        indexed: false,
        components: [
          { type: "string", name: "name" },
          { type: "string", name: "symbol" },
          { type: "bytes32", name: "salt" },
          {
            type: "tuple[]",
            name: "founders",
            components: [{ type: "address", name: "account" }, { type: "uint256", name: "votes" }],
          },
          { type: "uint256", name: "emissionCap" },
          { type: "uint256", name: "votesPerRecord" },
          { type: "uint48", name: "votingDelay" },
          { type: "uint32", name: "votingPeriod" },
          { type: "uint256", name: "proposalThreshold" },
          { type: "uint256", name: "quorum" },
          { type: "uint256", name: "timelockDelay" },
        ],
      },
      { type: "uint128[]", name: "assetIds", indexed: false },
    ],
  },
  { type: "error", name: "FailedDeployment", inputs: [] },
  {
    type: "error",
    name: "InsufficientBalance",
    inputs: [{ type: "uint256", name: "balance" }, { type: "uint256", name: "needed" }],
  },
] as const;
