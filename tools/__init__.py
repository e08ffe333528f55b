"""Commands for those who build and release the product; run them as `python -m tools.NAME` from the root."""
