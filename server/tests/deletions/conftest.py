from deployment import deployment, folder

__all__ = ["deployment", "folder"]
