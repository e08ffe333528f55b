"""The add-on's tools in the toolbar of the 3D view."""
