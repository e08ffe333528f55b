"""What happens to the artist's own pixels: decoding, the region that the model sees, rendering at full size, previews.

numpy and OpenCV only; no torch, no sockets.
"""
