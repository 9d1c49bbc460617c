from control_plane import control as control
