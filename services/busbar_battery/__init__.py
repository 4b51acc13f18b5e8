"""Battery and export power flow: what the battery does each second, and why."""
