// What the script asks of its development chain beside Tributary's own commands.
const [url, what, ...more] = process.argv.slice(2);

const rpc = async (method, params) => {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { result, error } = await response.json();
  if (error) throw new Error(`${method}: ${error.message}`);
  return result;
};
const word = (text) => text.replace(/^0x/, "").toLowerCase().padStart(64, "0");

const actions = {
  // Seconds go by.
  wait: async (seconds) => {
    await rpc("evm_increaseTime", [Number(seconds)]);
    await rpc("evm_mine", []);
  },
  // The demo's dollar: mint(address,uint256), from an account the chain signs for.
  mint: async (token, to, amount) => {
    const data = `0x40c10f19${word(to)}${word(BigInt(amount).toString(16))}`;
    await rpc("eth_sendTransaction", [{ from: to, to: token, data }]);
  },
  // What an account has of it: balanceOf(address).
  balance: async (token, of) => {
    console.log(BigInt(await rpc("eth_call", [{ to: token, data: `0x70a08231${word(of)}` }, "latest"])).toString());
  },
  // What a host says at a URL.
  read: async (page) => {
    process.stdout.write(await (await fetch(page)).text());
  },
};
await actions[what](...more);
