"""What is kept of the past: snapshots, deltas of counters, findings. Written by jobs, read by pages and checks."""
