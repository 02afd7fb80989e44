"""The HTTP door: an action reads its input, calls one service or query, and shapes the answer."""
