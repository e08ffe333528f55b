"""Clips to train and test on: procedural ones with exact flow, and the simulation of pokes."""
