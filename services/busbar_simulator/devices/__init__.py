"""Smart plugs and sensors over MQTT, as they speak on the wire: pure, bytes in and messages out.

Shapes from peers_on_real_wires.md section 6, the makers' documentation and public captures named beside them.
"""
