"""A chat of any size, written in minutes: skewed as in life, and always the same for the same size, seed and end."""

from chatbackend.benchmark.data.dataset import READERS, Dataset, Seat
from chatbackend.benchmark.data.load import fill

__all__ = ["READERS", "Dataset", "Seat", "fill"]
