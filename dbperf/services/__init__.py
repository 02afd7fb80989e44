"""What is done for the database, by the clock, by commands and by pages: looking, keeping, telling."""
