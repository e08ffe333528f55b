"""Clips of random scenes, with exact flow: things, what moves them, and how they are rendered."""
