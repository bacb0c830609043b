// Written by `cargo xtask contracts`; do not edit.

export const licenseRendererAbi = [
  {
    type: "function",
    name: "contractURI",
    stateMutability: "pure",
    inputs: [],
    outputs: [{ type: "string", name: "" }],
  },
  {
    type: "function",
    name: "svg",
    stateMutability: "view",
    inputs: [
      {
        type: "tuple",
        name: "subject",
        components: [
          { type: "uint256", name: "tokenId" },
          {
            type: "tuple",
            name: "license",
            components: [
              { type: "uint128", name: "assetId" },
              { type: "bytes32", name: "termsId" },
              { type: "uint256", name: "offerId" },
              { type: "uint64", name: "issuedAt" },
              { type: "uint64", name: "expiresAt" },
              { type: "bool", name: "transferable" },
              { type: "bool", name: "delegable" },
            ],
          },
          {
            type: "tuple",
            name: "offer",
            components: [
              { type: "uint128", name: "assetId" },
              { type: "bytes32", name: "termsId" },
              { type: "address", name: "token" },
              { type: "uint128", name: "price" },
              { type: "uint64", name: "duration" },
              { type: "uint16", name: "upfrontBps" },
              { type: "uint64", name: "earnPeriod" },
              { type: "uint64", name: "supply" },
            ],
          },
          {
            type: "tuple",
            name: "terms",
            components: [
              { type: "uint256", name: "rights" },
              { type: "uint64", name: "maxCalls" },
              { type: "uint32", name: "callsPerMinute" },
              { type: "bytes32", name: "territory" },
              { type: "bytes32", name: "fieldOfUse" },
              { type: "uint256", name: "obligations" },
              { type: "bytes32", name: "legalTextHash" },
              { type: "bool", name: "transferable" },
              { type: "bool", name: "delegable" },
              { type: "bool", name: "revocable" },
            ],
          },
        ],
      },
    ],
    outputs: [{ type: "string", name: "" }],
  },
  {
    type: "function",
    name: "tokenURI",
    stateMutability: "view",
    inputs: [
      {
        type: "tuple",
        name: "subject",
        components: [
          { type: "uint256", name: "tokenId" },
          {
            type: "tuple",
            name: "license",
            components: [
              { type: "uint128", name: "assetId" },
              { type: "bytes32", name: "termsId" },
              { type: "uint256", name: "offerId" },
              { type: "uint64", name: "issuedAt" },
              { type: "uint64", name: "expiresAt" },
              { type: "bool", name: "transferable" },
              { type: "bool", name: "delegable" },
            ],
          },
          {
            type: "tuple",
            name: "offer",
            components: [
              { type: "uint128", name: "assetId" },
              { type: "bytes32", name: "termsId" },
              { type: "address", name: "token" },
              { type: "uint128", name: "price" },
              { type: "uint64", name: "duration" },
              { type: "uint16", name: "upfrontBps" },
              { type: "uint64", name: "earnPeriod" },
              { type: "uint64", name: "supply" },
            ],
          },
          {
            type: "tuple",
            name: "terms",
            components: [
              { type: "uint256", name: "rights" },
              { type: "uint64", name: "maxCalls" },
              { type: "uint32", name: "callsPerMinute" },
              { type: "bytes32", name: "territory" },
              { type: "bytes32", name: "fieldOfUse" },
              { type: "uint256", name: "obligations" },
              { type: "bytes32", name: "legalTextHash" },
              { type: "bool", name: "transferable" },
              { type: "bool", name: "delegable" },
              { type: "bool", name: "revocable" },
            ],
          },
        ],
      },
    ],
    outputs: [{ type: "string", name: "" }],
  },
  {
    type: "error",
    name: "StringsInsufficientHexLength",
    inputs: [{ type: "uint256", name: "value" }, { type: "uint256", name: "length" }],
  },
] as const;
