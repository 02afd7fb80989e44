"""Alerts: when a fault is one, what is said of it, and by which ways."""
