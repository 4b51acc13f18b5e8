// ocpp-eliftech (npm, OCPP 1.6): reconnects without a boot. Its check of SetChargingProfile reckons the schema's
// "multiple of 0.1" in binary fractions, so that it refuses nearly every limit there is.
const { ChargePoint, OCPPCommands } = require("ocpp-eliftech");
const { Life, say } = require("./life.cjs");

const [url, identity] = process.argv.slice(2);
const client = new ChargePoint({ centralSystemUrl: `${url}/${identity}`, reconnectInterval: 1000 });
const line = {
  call: async (action, payload) => {
    const answer = client.send(new OCPPCommands[action](payload));
    if (answer === false) throw new Error("no connection");
    return answer;
  },
};
const life = new Life(line, { name: "ocpp-eliftech" });
client.onRequest = async (command) => life.answer(command.getCommandName(), { ...command });
process.on("unhandledRejection", (error) => say({ lost: String(error && error.message) }));
client.connect().then(() => life.arrive()).catch((error) => say({ wrong: `arriving: ${error.message}` }));
