"""The commands of `frontline`, each a module with a `command`."""
