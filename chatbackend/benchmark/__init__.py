"""How fast the system is on this machine, and beside what. `manage.py bench` is its door."""
