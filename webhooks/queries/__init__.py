"""Statements of this app that the ORM would not write."""
