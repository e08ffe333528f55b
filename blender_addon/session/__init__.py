"""What runs while Blender is open: the timer, jobs, the choice of backend and model, the mouse, things and puppets."""
