"""What people and staff ask for."""
