"""Workers as the front sees them: their processes, who is up, and what each does."""
