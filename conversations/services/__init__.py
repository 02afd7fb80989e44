"""What a user can do with accounts and conversations: one function for each change, named as they would name it."""
