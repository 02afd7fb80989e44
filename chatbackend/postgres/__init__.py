"""Django's PostgreSQL backend, with a pool that gives up early when the server is away."""
