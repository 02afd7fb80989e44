"""The accounts to try the system with, and something for them to have said."""
