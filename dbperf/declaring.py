"""How a model declares an index that is proposed, or that was built before its migration."""

from django.apps import apps

from dbperf.proposing import Proposal


def declared(proposal: Proposal) -> tuple[str, str]:
    """The model's name and the line for it, by the names of its fields; where there is none, those of the table."""
    for model in apps.get_models():
        if model._meta.db_table == proposal.table:
            names = {str(field.column): field.name for field in model._meta.concrete_fields}
            fields = ", ".join(f'"{_named(key, names)}"' for key in proposal.keys)
            return model._meta.model_name or "", f'models.Index(fields=[{fields}], name="{proposal.name}")'
    return proposal.table, proposal.line


def _named(key: str, names: dict[str, str]) -> str:
    column = key.lstrip("-")
    return ("-" if key.startswith("-") else "") + names.get(column, column)
