"""Reading what lies on a disk as Blender and players show it: images, videos, numbered frames.

numpy, OpenImageIO and PyAV. Knows nothing of models, sockets, jobs or Blender, so that every other part may import it.
"""
