// ocpp-rpc (npm): checks every frame against the official schemas, and reconnects without a new boot.
const { RPCClient } = require("ocpp-rpc");
const { Life, say, ASKED, ASKED_201 } = require("./life.cjs");

const [url, identity, version] = process.argv.slice(2);
const client = new RPCClient({
  endpoint: url, identity, protocols: [`ocpp${version}`], strictMode: true, reconnect: true, maxReconnects: Infinity,
  backoff: { initialDelay: 500, maxDelay: 1000 }, pingIntervalMs: 3000, callTimeoutMs: 5000,
});
const life = new Life({ call: (action, payload) => client.call(action, payload) }, { version, name: "ocpp-rpc" });
client.on("strictValidationFailure", ({ error }) => say({ wrong: String(error && error.message) }));
for (const action of version === "1.6" ? ASKED : ASKED_201) {
  client.handle(action, ({ params }) => life.answer(action, params));
}
client.connect().then(() => life.arrive()).catch((error) => say({ wrong: `arriving: ${error.message}` }));
