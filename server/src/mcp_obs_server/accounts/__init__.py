"""Organisations, their members, sign-in, and who is asking."""
