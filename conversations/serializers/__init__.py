"""What may come in over HTTP, and, for the OpenAPI document, what goes out."""
