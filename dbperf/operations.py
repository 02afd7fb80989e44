"""Operations of migrations that may be run again wherever they broke off."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently

from dbperf.catalog import proposals as catalog
from dbperf.connections import Database


class BuildIndexConcurrently(AddIndexConcurrently):
    """As AddIndexConcurrently. A build that broke off leaves an index of the name that is written to and never read,
    and the next attempt would fail on it, or take it for the index: it is dropped first. One that is whole is left
    alone, as when somebody built it before the migration came. Waits for transactions that are under way."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        on = Database(schema_editor.connection.alias)
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        standing = catalog.standing(on, table, str(self.index.name))
        if standing is True:
            return
        on.run("SET lock_timeout = 0")
        try:
            if standing is False:
                catalog.drop(on, str(self.index.name))
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            on.run("RESET lock_timeout")
