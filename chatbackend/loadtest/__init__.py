"""Many sockets at once, and what they hear. `manage.py loadtest` is its door."""
