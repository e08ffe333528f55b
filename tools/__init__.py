"""Commands for those who build and release the product; run them from the root with `python -m`."""
