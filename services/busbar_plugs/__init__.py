"""Smart plugs, relays and any load with topics: how they are heard, what they draw, when they may switch."""
