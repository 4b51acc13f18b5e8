"""The words of OCPP 1.6 and 2.0.1 for what the firmware says and is asked. Pure: dictionaries in and out."""
