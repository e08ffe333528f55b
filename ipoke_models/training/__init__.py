"""Training of every network from a clip store, in stages that resume."""
