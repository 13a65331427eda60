"""What a person types: one file a command, and its function."""
