"""What the hand does on a plate: arrows, pins, regions and strokes, as geometry and pure state machines. No bpy."""
