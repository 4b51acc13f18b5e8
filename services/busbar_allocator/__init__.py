"""Readings and wishes in, limits and reasons out: the engine decides an instant, the controller the time."""
