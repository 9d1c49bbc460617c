"""What a server sent and was not kept, shown to its owner."""
