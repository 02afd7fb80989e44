"""What a user can do with messages: one function for each change, named as they would name it."""
