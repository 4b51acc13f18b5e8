"""Meters, inverters and batteries over Modbus and MQTT: readings out, leased orders in."""
