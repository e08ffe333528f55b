"""What an arrow stands on: a still and clicks to nested masks of part, thing and group of things."""
