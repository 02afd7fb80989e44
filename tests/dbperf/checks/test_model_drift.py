"""Indexes of the database that no model has, and the reverse."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import models
from pytest_django import Settings

from dbperf.connections import Database
from tests import scratch
from tests.dbperf.faults import findings, run


@pytest.fixture
def migrated(faulty: Database) -> Database:
    """A table of Django's own as its migrations make it."""
    run(faulty, "SET search_path TO public")
    scratch.migrate(faulty.alias, "contenttypes")
    return faulty


def test_only_in_the_database(migrated: Database) -> None:
    assert findings(migrated, "model_drift") == []
    run(migrated, "CREATE INDEX by_hand ON django_content_type (model)")
    (finding,) = findings(migrated, "model_drift")
    assert (finding.subject, finding.level) == ("public.by_hand", "info")
    run(migrated, finding.remedy.sql)
    assert findings(migrated, "model_drift") == []


def test_only_in_the_model(migrated: Database) -> None:
    meta = ContentType._meta
    meta.indexes = [models.Index(fields=["model"], name="promised")]
    try:
        (finding,) = findings(migrated, "model_drift")
        assert (finding.subject, finding.level) == ("django_content_type.promised", "warning")
        run(migrated, "CREATE INDEX promised ON django_content_type (model)")
        assert findings(migrated, "model_drift") == []
    finally:
        meta.indexes = []
        run(migrated, "DROP INDEX IF EXISTS promised")


def test_a_table_without_a_model(migrated: Database) -> None:
    run(migrated, "CREATE TABLE fault.t (a int)", "CREATE INDEX ON fault.t (a)")
    assert findings(migrated, "model_drift") == []


def test_names_that_are_ours_by_agreement(migrated: Database, settings: Settings) -> None:
    run(migrated, "CREATE INDEX recent_7 ON django_content_type (model)")
    try:
        settings.DBPERF = {"OWN_INDEX_PREFIXES": ["recent_"]}
        assert findings(migrated, "model_drift") == []
        settings.DBPERF = {}
        assert len(findings(migrated, "model_drift")) == 1
    finally:
        run(migrated, "DROP INDEX recent_7")
