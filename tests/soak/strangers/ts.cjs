// ocpp-ts (npm, OCPP 1.6): has no reconnection of its own, so it comes again and boots anew.
const { OcppClient } = require("ocpp-ts");
const { Life, say, ASKED } = require("./life.cjs");

const [url, identity] = process.argv.slice(2);
let client = null;
const life = new Life({ call: (action, payload) => client.callRequest(action, payload) }, { name: "ocpp-ts" });

function come() {
  client = new OcppClient(identity);
  client.on("error", () => {});
  client.on("close", () => setTimeout(come, 1000));
  client.on("connect", () => life.arrive().catch((error) => say({ lost: error.message })));
  for (const action of ASKED) client.on(action, (params, answer) => answer(life.answer(action, params)));
  client.connect(`${url}/`);
}
come();
