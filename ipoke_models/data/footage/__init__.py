"""Clips of recordings: what lies in a folder, how it is divided, and its frames with estimated flow."""
