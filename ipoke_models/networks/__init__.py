"""The networks of a model: autoencoder, conditioning, invertible flow, and what trains beside them."""
