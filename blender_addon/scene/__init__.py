"""What Blender stores: plates, results, clips and meshes in the .blend, and the preferences."""
