// A charger's own reckoning of its profiles, and the car on it: written for the strangers, not for Busbar.
// One connector, three legs. A charger without a profile does not limit (OCPP 1.6 section 3.13.6).
const CAR_A = 16;
const PURPOSES = { TxProfile: "tx", TxDefaultProfile: "default" };

class Car {
  constructor() {
    this.profiles = [];
    this.transaction = null;
    this.energyWh = 1000;
  }

  set(place, profile) {
    const purpose = PURPOSES[profile.chargingProfilePurpose] || "max";
    const level = profile.stackLevel;
    this.profiles = this.profiles.filter((one) => !(one.place === place && one.purpose === purpose && one.level === level));
    const schedule = Array.isArray(profile.chargingSchedule) ? profile.chargingSchedule[0] : profile.chargingSchedule;
    this.profiles.push({ place, purpose, level, profile, schedule });
  }

  clear({ purpose, level }) {
    const kept = this.profiles.filter(
      (one) =>
        (purpose !== undefined && (PURPOSES[purpose] || "max") !== one.purpose) || (level !== undefined && level !== one.level),
    );
    const cleared = this.profiles.length - kept.length;
    this.profiles = kept;
    return cleared;
  }

  end() {
    this.transaction = null;
    this.profiles = this.profiles.filter((one) => one.purpose !== "tx");
  }

  limit(now = Date.now()) {
    const tx = this.transaction === null ? null : this.prevailing("tx", now);
    const during = tx === null ? this.prevailing("default", now) : tx;
    const most = this.prevailing("max", now);
    return Math.min(during === null ? 1000 : during, most === null ? 1000 : most);
  }

  prevailing(purpose, now) {
    const ranked = this.profiles.filter((one) => one.purpose === purpose).sort((a, b) => b.level - a.level);
    for (const { profile, schedule } of ranked) {
      if (profile.validFrom && Date.parse(profile.validFrom) > now) continue;
      if (profile.validTo && Date.parse(profile.validTo) <= now) continue;
      const elapsed = (now - Date.parse(schedule.startSchedule || new Date(now).toISOString())) / 1000;
      if (elapsed < 0 || (schedule.duration !== undefined && elapsed >= schedule.duration)) continue;
      const begun = schedule.chargingSchedulePeriod.filter((period) => period.startPeriod <= elapsed);
      if (begun.length === 0) continue;
      const limit = begun[begun.length - 1].limit;
      return schedule.chargingRateUnit === "W" ? limit / (3 * 230) : limit;
    }
    return null;
  }

  draw() {
    const limit = this.limit();
    return this.transaction !== null && limit >= 6 ? Math.min(limit, CAR_A) : 0;
  }
}

module.exports = { Car };
