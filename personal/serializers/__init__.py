"""Shapes of replies."""
