"""Measurements that take minutes: what docs/measurements says comes from here; README.md lists them. Not part of the package."""
