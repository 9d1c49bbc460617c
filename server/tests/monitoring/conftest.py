from control_plane import control

__all__ = ["control"]
