"""What is said on the bus: every message as a typed struct, and every topic in one table.

The version is the contract's, not the program's: it rises when the wire changes (see contracts/README.md).
"""

CONTRACT_VERSION = "1.0.0"
