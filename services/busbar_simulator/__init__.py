"""A house over the real protocols: what Busbar is shown, and judged by."""
