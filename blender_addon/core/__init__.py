"""What of the add-on needs no Blender: gestures, projection, arrows, jobs, the link to the backend. No bpy."""
