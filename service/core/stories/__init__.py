"""Stories: sets of facts that are gathered, measured and differenced as one. Interactions, and what is beside them."""
