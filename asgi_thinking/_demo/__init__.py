"""The far ends of the demo: upstreams on the loopback, and what they answer; stdlib only."""
