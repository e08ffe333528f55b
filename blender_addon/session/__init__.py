"""What runs while Blender is open: the timer, jobs, the choice of backend and model, things and puppets, preferences."""
