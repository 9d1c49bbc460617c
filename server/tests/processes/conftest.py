from control_plane import control
from deployment import deployment, folder

__all__ = ["control", "deployment", "folder"]
