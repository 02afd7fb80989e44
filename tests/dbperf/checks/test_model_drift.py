"""Indexes of the database that no model has, and the reverse."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import models
from pytest_django import Settings

from dbperf.connections import Database
from dbperf.proposing import Proposal
from dbperf.verdicts import Verdict
from tests import scratch
from tests.dbperf.accepting import built
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


def test_one_that_was_built_from_a_suggestion_is_to_be_declared(migrated: Database) -> None:
    proposal = Proposal("public", "django_content_type", ("-model",))
    run(migrated, proposal.sql())
    try:
        build = built(migrated, proposal)
        (finding,) = findings(migrated, "model_drift")
        assert "was built from a suggestion" in finding.detail
        assert finding.remedy.model == f'models.Index(fields=["-model"], name="{proposal.name}")'
        assert 'BuildIndexConcurrently("contenttype"' in finding.remedy.text
        assert finding.remedy.sql == ""
        build.verdict = Verdict.WITHOUT_GAIN
        build.save()
        (finding,) = findings(migrated, "model_drift")
        assert finding.remedy.text == "Declare it in the model, or drop it."
        build.delete()
        assert findings(migrated, "model_drift") == [finding]
    finally:
        run(migrated, f"DROP INDEX {proposal.name}")


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
