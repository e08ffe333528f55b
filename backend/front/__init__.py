"""The front process: talks to clients and workers, keeps order, never computes and never imports torch."""
