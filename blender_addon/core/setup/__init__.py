"""Setting up a backend for an artist: the managed environment, its installer, what a report says. No bpy."""
