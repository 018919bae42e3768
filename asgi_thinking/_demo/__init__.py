"""The far end of the demo: an upstream on the loopback, and what it answers; stdlib only."""
