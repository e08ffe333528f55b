"""What is in the .blend: plates, results, clips, meshes, and how older files are brought up to date."""
