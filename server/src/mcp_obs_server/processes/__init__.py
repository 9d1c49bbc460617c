"""The processes that share a control plane: each has a spool of its own that the others can't see."""
