// A charge point on the npm package ocpp-rpc in strict mode, which checks every frame of the central system
// against the official schemas. Says one JSON object a line: what it was told, what was wrong, and "done".
const { RPCClient } = require("ocpp-rpc");

const [url, identity, protocol] = process.argv.slice(2);
const is16 = protocol === "ocpp1.6";
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");
const now = () => new Date().toISOString();
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

const client = new RPCClient({
  endpoint: url,
  identity,
  protocols: [protocol],
  strictMode: true,
  reconnect: false,
  callTimeoutMs: 5000,
});
client.on("strictValidationFailure", ({ error }) => say({ wrong: String(error && error.message) }));

const accepted = { status: "Accepted" };
const answers = {
  SetChargingProfile: accepted,
  ClearChargingProfile: { status: is16 ? "Unknown" : "Unknown" },
  ChangeConfiguration: accepted,
  TriggerMessage: accepted,
  GetConfiguration: { configurationKey: [], unknownKey: [] },
  RemoteStartTransaction: accepted,
  RemoteStopTransaction: accepted,
  RequestStartTransaction: accepted,
  RequestStopTransaction: accepted,
  ChangeAvailability: accepted,
  Reset: accepted,
  UnlockConnector: { status: "Unlocked" },
};
for (const action of Object.keys(answers)) {
  client.handle(action, ({ params }) => {
    say({ told: action, params });
    return answers[action];
  });
}
client.handle("GetVariables", ({ params }) => {
  say({ told: "GetVariables", params });
  return {
    getVariableResult: params.getVariableData.map((one) => ({
      attributeStatus: "UnknownVariable",
      component: one.component,
      variable: one.variable,
    })),
  };
});
client.handle("SetVariables", ({ params }) => {
  say({ told: "SetVariables", params });
  return {
    setVariableResult: params.setVariableData.map((one) => ({
      attributeStatus: "Accepted",
      component: one.component,
      variable: one.variable,
    })),
  };
});

async function charge16() {
  await client.call("BootNotification", { chargePointVendor: "Node", chargePointModel: "Peer" });
  await client.call("StatusNotification", { connectorId: 1, errorCode: "NoError", status: "Preparing", timestamp: now() });
  await client.call("Authorize", { idTag: "TAG1" });
  const start = { connectorId: 1, idTag: "TAG1", meterStart: 100, timestamp: now() };
  const { transactionId } = await client.call("StartTransaction", start);
  await client.call("StatusNotification", { connectorId: 1, errorCode: "NoError", status: "Charging", timestamp: now() });
  const sampledValue = [{ value: "9.9", measurand: "Current.Import", phase: "L1", unit: "A" }];
  await client.call("MeterValues", { connectorId: 1, transactionId, meterValue: [{ timestamp: now(), sampledValue }] });
  say({ charging: String(transactionId) });
  await wait(2500);
  await client.call("StopTransaction", { transactionId, meterStop: 200, timestamp: now() });
  await client.call("DataTransfer", { vendorId: "nobody" });
  await client.call("SecurityEventNotification", { type: "FirmwareUpdated", timestamp: now() }).catch(() => {});
}

async function charge201() {
  await client.call("BootNotification", { reason: "PowerUp", chargingStation: { vendorName: "Node", model: "Peer" } });
  const status = { timestamp: now(), connectorStatus: "Occupied", evseId: 1, connectorId: 1 };
  await client.call("StatusNotification", status);
  await client.call("Authorize", { idToken: { idToken: "TAG1", type: "ISO14443" } });
  const event = (eventType, seqNo, chargingState) => ({
    eventType, timestamp: now(), triggerReason: "Authorized", seqNo,
    transactionInfo: { transactionId: "node-1", chargingState },
    evse: { id: 1, connectorId: 1 },
    idToken: { idToken: "TAG1", type: "ISO14443" },
  });
  await client.call("TransactionEvent", event("Started", 0, "Charging"));
  const sampledValue = [{ value: 9.9, measurand: "Current.Import", phase: "L1", unitOfMeasure: { unit: "A" } }];
  await client.call("MeterValues", { evseId: 1, meterValue: [{ timestamp: now(), sampledValue }] });
  say({ charging: "node-1" });
  await wait(2500);
  await client.call("TransactionEvent", event("Ended", 1, "Idle"));
  await client.call("DataTransfer", { vendorId: "nobody" });
  await client.call("SecurityEventNotification", { type: "FirmwareUpdated", timestamp: now() });
}

(async () => {
  try {
    await client.connect();
    await (is16 ? charge16() : charge201());
    await client.call("Heartbeat", {});
    say({ done: true });
  } catch (error) {
    say({ wrong: String(error && error.message) });
  }
  await client.close({ force: true }).catch(() => {});
  process.exit(0);
})();
