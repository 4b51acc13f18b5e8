"""Charge points in (OCPP 1.6J and 2.0.1), sessions out; limits in, charging profiles out."""
