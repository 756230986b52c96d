"""Pages and files that are made from the catalogue: pure text, so that a test can hold what is checked in to it."""
