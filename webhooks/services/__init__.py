"""What managers of webhooks do."""
