"""The report on a month, from figures to pages: one module for the figures, one for each form."""
