"""The firmware of a charge point: pure, whatever OCPP version it speaks, on the plant's sockets.

Time is an argument. What it wants to tell the central system comes out of `step` as notices; the dialects
put them into the words of OCPP 1.6 or 2.0.1, the link carries them.
"""
