"""A Charge Amps cloud that fits on a desk: both of the vendor's interfaces over one set of chargers.

It behaves as the real one was seen to behave (`verified`: in the source of a client that works with it,
or in the vendor's documents) and, where nobody has looked, as would be worst for us (`assumed`).
"""
