"""The commands of `ipoke`, one module each. No torch; what needs it runs in a child process."""
