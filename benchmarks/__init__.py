"""Measurements that take minutes: what docs/plates.md says comes from here. Not part of the package."""
