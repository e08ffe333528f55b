"""What clips are measured by: LPIPS, I3D for FVD, key points, and estimates with their intervals."""
