"""A mixed load for long, and whether what the servers take and need stays what it was. `manage.py soak` is its door."""
