"""Cases for `promtool test rules`: what has to be told, worked out from promises, not from the rules."""
