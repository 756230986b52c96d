"""`frontline import`: read what other systems wrote to files, and post it to a running Frontline."""

import click

from service.commands import import_log, import_table

_EXAMPLES = """\b
Examples:
  frontline import asterisk-queue-log /var/log/asterisk/queue_log --follow --site support --key $KEY
  frontline import csv calls.csv --map calls.json --dry-run
"""


@click.group("import", epilog=_EXAMPLES)
def command() -> None:
    """Read what other systems wrote to files, and post it to a running Frontline.

    An import can be repeated, and broken off, at any moment: it goes on where it was, and nothing counts twice.
    """


for _module in (import_log, import_table):
    command.add_command(_module.command)
