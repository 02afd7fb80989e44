from django.apps import AppConfig


class DBPerfConfig(AppConfig):
    """The database, watched, explained and kept. Knows PostgreSQL 15-18 and nothing of the project around it."""

    name = "dbperf"
    verbose_name = "Database"
    default_auto_field = "django.db.models.BigAutoField"
