"""Every action of the add-on, as an operator that the mouse, a script and `blender -b` share."""
