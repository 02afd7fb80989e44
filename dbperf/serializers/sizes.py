"""How large it is, and how it grows."""

from drf_spectacular.utils import extend_schema_serializer
from rest_framework.serializers import CharField, DateTimeField, IntegerField

from dbperf.serializers.shape import Shape


class SizeForecast(Shape):
    """What 30 days make likely. Null with less than a week of them."""

    bytes_a_day = IntegerField(help_text="The median of the slopes between any two days.")
    least_a_day = IntegerField(
        help_text="With 95 % certainty, as far as the days to come are like those watched."
    )
    most_a_day = IntegerField()
    watched_days = IntegerField()
    in_30_days_bytes = IntegerField()


class DaysLeft(Shape):
    """Until the limit; null where it will not be reached within ten years."""

    likely = IntegerField(allow_null=True)
    soonest = IntegerField(allow_null=True)
    latest = IntegerField(allow_null=True)


class TableSize(Shape):
    """A table. Sizes are as of its last VACUUM or ANALYZE."""

    name = CharField()
    rows = IntegerField()
    table_bytes = IntegerField()
    indexes_bytes = IntegerField()
    total_bytes = IntegerField()
    dead_rows = IntegerField()
    seq_scans = IntegerField()
    index_scans = IntegerField()
    vacuumed_at = CharField(allow_null=True)
    analyzed_at = CharField(allow_null=True)
    grown_bytes = IntegerField(allow_null=True)
    grown_days = IntegerField(allow_null=True)
    forecast = SizeForecast(allow_null=True)


class IndexSize(Shape):
    """An index."""

    name = CharField()
    table = CharField()
    size_bytes = IntegerField()
    scans = IntegerField()
    grown_bytes = IntegerField(allow_null=True)
    grown_days = IntegerField(allow_null=True)
    forecast = SizeForecast(allow_null=True)


@extend_schema_serializer(component_name="DatabaseSize")
class Size(Shape):
    """The database and what is largest in it."""

    as_of = DateTimeField(allow_null=True)
    database_bytes = IntegerField(allow_null=True)
    grown_bytes = IntegerField(allow_null=True)
    grown_days = IntegerField(allow_null=True)
    forecast = SizeForecast(allow_null=True)
    limit_bytes = IntegerField(allow_null=True, help_text="What `DB_SIZE_LIMIT_GB` says.")
    days_left = DaysLeft(allow_null=True, help_text="Null without a limit or a forecast.")
    tables = TableSize(many=True)
    indexes = IndexSize(many=True)
