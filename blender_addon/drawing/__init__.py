"""What the add-on draws over the 3D view, and how the screen maps to the plate."""
