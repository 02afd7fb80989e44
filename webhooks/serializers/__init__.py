"""Input and shapes of replies."""
