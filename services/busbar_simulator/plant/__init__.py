"""The physics of a house: what really flows, whatever any meter or charger says about it.

Only the standard library is imported here, and no other service imports this package: it is the truth
that grants are judged by, so it shares no code with what it judges.
Time is an argument (`step(dt_s)`), every random thing comes from a seed.
Signs: grid + = import, inverter output + = generation, battery + = charging, draw + = consumption.
Phases are "a", "b", "c"; figures per phase are tuples in that order.
"""
