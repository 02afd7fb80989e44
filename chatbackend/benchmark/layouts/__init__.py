"""The messages as one table, and divided: by conversation, by month. Each with the same rows and indexes."""
