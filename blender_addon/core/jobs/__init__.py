"""What is asked of a backend and what comes back: jobs, their files, and the running link. No bpy."""
