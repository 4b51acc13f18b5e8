"""One small file per family of devices: topics to hear, bytes to `Seen`, switch orders to messages."""
