"""Everything that a data folder holds at one moment, as one file, and back."""
