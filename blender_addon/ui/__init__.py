"""The add-on's panels in the sidebar of the 3D view."""
