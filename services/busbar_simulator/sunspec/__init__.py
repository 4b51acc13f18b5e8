"""SunSpec devices as register images: the plant on one side, Modbus registers on the other."""
