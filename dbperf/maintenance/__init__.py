"""VACUUM, ANALYZE and REINDEX as an operator would: what is due, one table after the other, out of everybody's way."""
