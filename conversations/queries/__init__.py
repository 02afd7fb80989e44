"""The hot statements of this app: raw SQL, whole, named and bound, each pointing at its index."""
