"""What is in an export, and how it is packed."""
