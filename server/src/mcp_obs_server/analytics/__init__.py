"""The dashboard's questions, one a file, answered from the rollups."""
