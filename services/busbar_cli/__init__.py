"""`busbar`: run a service, run them all, watch, check a configuration, explain."""
