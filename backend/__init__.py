"""The iPOKE backend: a front process that talks to clients and a worker process that runs the model."""
