"""Photos, stacks and videos as people have them, in and out."""
