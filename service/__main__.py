"""`python -m service` is the command `frontline`."""

from service.cli import main

main(prog_name="frontline")
