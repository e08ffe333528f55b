"""What arrows stand on: masks, the puppet that follows the mouse, what is shown behind it. No bpy."""
