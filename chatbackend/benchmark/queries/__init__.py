"""The hot queries beside a plain Django application and beside PostgreSQL alone."""
