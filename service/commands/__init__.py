"""The commands of `frontline` that talk to a running service, each a module with a `command`."""
