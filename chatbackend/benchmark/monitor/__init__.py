"""What the watching of the database costs, and how fast it answers: `manage.py bench monitor`."""
