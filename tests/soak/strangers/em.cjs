// em-ocpp-chargepoint-simulator (npm, OCPP 1.6): knows no SetChargingProfile and never answers one.
const path = require("path");
const main = require.resolve("em-ocpp-chargepoint-simulator/package.json");
const { chargepointFactory } = require(path.join(path.dirname(main), "build/src/chargepoint.js"));
const { Life, say } = require("./life.cjs");

const [url, identity] = process.argv.slice(2);
const SENT = {
  BootNotification: "sendBootnotification", StatusNotification: "sendStatusNotification", Heartbeat: "sendHeartbeat",
  StartTransaction: "startTransaction", StopTransaction: "stopTransaction", MeterValues: "meterValues",
};
const ANSWERED = ["GetConfiguration", "ChangeConfiguration", "RemoteStartTransaction", "RemoteStopTransaction", "Reset"];
let point = null;
const life = new Life({ call: (action, payload) => point[SENT[action]](payload) }, { name: "em-ocpp" });
process.on("uncaughtException", (error) => say({ lost: error.message }));
process.on("unhandledRejection", (error) => say({ lost: String(error && error.message) }));

async function come() {
  try {
    point = await chargepointFactory(`${url}/${identity}`);
    point.onClose(() => setTimeout(come, 1000));
    for (const action of ANSWERED) {
      point[`answer${action}`]((request) => point.sendResponse(request.uniqueId, life.answer(action, request.payload)));
    }
    await life.arrive();
  } catch (error) {
    say({ lost: String(error && error.message) });
    setTimeout(come, 1000);
  }
}
come();
