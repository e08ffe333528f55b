"""The worker process: one job at a time, and the only place that imports the models."""
