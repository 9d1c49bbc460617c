"""Deleting what was sent: asked for in the control plane, carried out in the background, said when it is done."""
