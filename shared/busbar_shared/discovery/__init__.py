"""What Home Assistant is shown: one description per entity, beside the struct it shows; the payloads; the loop."""
