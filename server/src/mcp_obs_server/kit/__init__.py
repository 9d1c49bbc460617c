"""What the features stand on, free of the domain."""
