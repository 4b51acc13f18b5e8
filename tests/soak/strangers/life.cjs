// What a stranger does from its boot on, over whichever library it has. Says one JSON object a line:
// {limit, draw} as they change, {wrong} for what its library did not like. Hears "stop" and "quit" a line.
const readline = require("readline");
const { Car } = require("./car.cjs");

const STEP_MS = 250;
const SAMPLE_MS = 2000;
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");
const now = () => new Date().toISOString();
const accepted = { status: "Accepted" };

class Life {
  // `line.call(action, payload)` resolves with the answer; `ours` names what its BootNotification says.
  constructor(line, { version = "1.6", name = "Stranger", answers = {} } = {}) {
    Object.assign(this, { line, is16: version === "1.6", name, more: answers, car: new Car(), number: 0, seq: 0 });
    this.told = "";
    readline.createInterface({ input: process.stdin }).on("line", (word) => this.asked(word));
    setInterval(() => this.step(), STEP_MS);
    setInterval(() => this.sample().catch(() => {}), SAMPLE_MS);
  }

  step() {
    const drawn = this.car.draw();
    this.car.energyWh += (drawn * 3 * 230 * STEP_MS) / 3600000;
    const state = { limit: this.car.limit(), draw: drawn, transaction: this.car.transaction };
    if (JSON.stringify(state) !== this.told) say(state);
    this.told = JSON.stringify(state);
  }

  async asked(word) {
    if (word === "stop") await this.stop().catch((error) => say({ wrong: `stop: ${error.message}` }));
    if (word === "quit") process.exit(0);
  }

  async arrive() {
    const boot = this.is16
      ? { chargePointVendor: this.name, chargePointModel: "Peer", firmwareVersion: "1" }
      : { reason: "PowerUp", chargingStation: { vendorName: this.name, model: "Peer", firmwareVersion: "1" } };
    await this.line.call("BootNotification", boot);
    await this.status(this.car.transaction === null ? "Preparing" : "Charging");
    await new Promise((done) => setTimeout(done, 6000));
    await this.line.call("Heartbeat", {});
    await this.status(this.car.transaction === null ? "Preparing" : "Charging");
  }

  status(word) {
    if (this.is16) {
      return this.line.call("StatusNotification", { connectorId: 1, errorCode: "NoError", status: word, timestamp: now() });
    }
    return this.line.call("StatusNotification", { timestamp: now(), connectorStatus: "Occupied", evseId: 1, connectorId: 1 });
  }

  event(eventType, more = {}, chargingState = "Charging") {
    const transactionInfo = { transactionId: this.car.transaction, chargingState };
    const evse = { id: 1, connectorId: 1 };
    return this.line.call("TransactionEvent", {
      eventType, timestamp: now(), triggerReason: "RemoteStart", seqNo: this.seq++, transactionInfo, evse, ...more,
    });
  }

  async start(tag, profile) {
    if (this.is16) {
      const said = { connectorId: 1, idTag: tag, meterStart: Math.floor(this.car.energyWh), timestamp: now() };
      const answer = await this.line.call("StartTransaction", said);
      this.car.transaction = String(answer.transactionId);
      if (profile) this.car.set(1, profile);
      await this.status("Charging");
    } else {
      this.car.transaction = `stranger-${++this.number}`;
      if (profile) this.car.set(1, profile);
      await this.event("Started", { idToken: { idToken: tag, type: "Central" }, meterValue: this.values() });
    }
  }

  async stop() {
    const transactionId = this.car.transaction;
    if (this.is16) {
      const said = { transactionId: Number(transactionId), meterStop: Math.floor(this.car.energyWh), timestamp: now() };
      await this.line.call("StopTransaction", said);
      this.car.end();
      await this.status("Finishing");
    } else {
      await this.event("Ended", { triggerReason: "RemoteStop", meterValue: this.values() }, "EVConnected");
      this.car.end();
    }
  }

  values() {
    const value = (number) => (this.is16 ? number.toFixed(1) : Number(number.toFixed(1)));
    const unit = (name) => (this.is16 ? { unit: name } : { unitOfMeasure: { unit: name } });
    const drawn = this.car.draw();
    const legs = ["L1", "L2", "L3"].map((phase) => ({
      value: value(drawn), measurand: "Current.Import", phase, ...unit("A"),
    }));
    const power = { value: value(drawn * 3 * 230), measurand: "Power.Active.Import", ...unit("W") };
    const energy = { value: value(this.car.energyWh), measurand: "Energy.Active.Import.Register", ...unit("Wh") };
    return [{ timestamp: now(), sampledValue: [...legs, power, energy] }];
  }

  async sample() {
    if (this.car.transaction === null) return;
    if (this.is16) {
      const said = { connectorId: 1, transactionId: Number(this.car.transaction), meterValue: this.values() };
      await this.line.call("MeterValues", said);
    } else {
      await this.event("Updated", { triggerReason: "MeterValuePeriodic", meterValue: this.values() });
    }
  }

  // The answer to what the central system asks, or undefined for what this stranger does not know.
  answer(action, payload) {
    if (this.more[action]) return this.more[action](payload);
    switch (action) {
      case "SetChargingProfile":
        this.car.set(payload.connectorId ?? payload.evseId, payload.csChargingProfiles ?? payload.chargingProfile);
        return accepted;
      case "ClearChargingProfile": {
        const asked = payload.chargingProfileCriteria ?? payload;
        const cleared = this.car.clear({ purpose: asked.chargingProfilePurpose, level: asked.stackLevel });
        return { status: cleared ? "Accepted" : "Unknown" };
      }
      case "RemoteStartTransaction":
      case "RequestStartTransaction": {
        const tag = payload.idTag ?? payload.idToken.idToken;
        setTimeout(() => this.start(tag, payload.chargingProfile).catch((error) => say({ wrong: error.message })), 100);
        return accepted;
      }
      case "RemoteStopTransaction":
      case "RequestStopTransaction":
        setTimeout(() => this.stop().catch((error) => say({ wrong: error.message })), 100);
        return accepted;
      case "GetConfiguration":
        return { configurationKey: [], unknownKey: payload.key ?? [] };
      case "ChangeConfiguration":
        return { status: "NotSupported" };
      case "GetVariables": {
        const unknown = (one) => ({ attributeStatus: "UnknownVariable", component: one.component, variable: one.variable });
        return { getVariableResult: payload.getVariableData.map(unknown) };
      }
      case "SetVariables": {
        const no = (one) => ({ attributeStatus: "Rejected", component: one.component, variable: one.variable });
        return { setVariableResult: payload.setVariableData.map(no) };
      }
      case "GetBaseReport":
        return { status: "NotSupported" };
      case "TriggerMessage":
        return { status: "Rejected" };
      case "GetCompositeSchedule":
        return { status: "Rejected" };
      case "Reset":
        return { status: "Rejected" };
      default:
        return undefined;
    }
  }
}

const ASKED = [
  "SetChargingProfile", "ClearChargingProfile", "GetConfiguration", "ChangeConfiguration", "TriggerMessage",
  "GetCompositeSchedule", "RemoteStartTransaction", "RemoteStopTransaction", "Reset",
];
const ASKED_201 = [
  "SetChargingProfile", "ClearChargingProfile", "GetVariables", "SetVariables", "TriggerMessage", "GetBaseReport",
  "GetCompositeSchedule", "RequestStartTransaction", "RequestStopTransaction", "Reset",
];

module.exports = { Life, say, ASKED, ASKED_201 };
