"""The command `metergate`: its verbs, each imported when it is used."""

import importlib
from importlib import metadata

import click

VERBS = {
    "demo": "gateway.cli.demo:demo",
    "run": "gateway.cli.run:run",
    "read": "gateway.cli.read:read",
    "describe": "gateway.cli.describe:describe",
    "register": "gateway.cli.register:register",
    "clock": "gateway.cli.clock:clock",
    "profile-data": "gateway.cli.series:profile_data",
    "events": "gateway.cli.series:events",
    "decode": "gateway.cli.decode:decode",
    "simulate": "gateway.cli.simulate:simulate",
    "check": "gateway.cli.check:check",
    "readings": "gateway.cli.journal:readings",
    "explain-reading": "gateway.cli.explain_reading:explain_reading",
    "visits": "gateway.cli.journal:visits",
    "meters": "gateway.cli.meters:meters",
    "balance": "gateway.cli.balance:balance",
    "access": "gateway.cli.access:access",
    "profile": "gateway.cli.profile:profile",
    "plugins": "gateway.cli.plugins:plugins",
    "schema": "gateway.cli.reference:schema",
    "completion": "gateway.cli.reference:completion",
    "explain": "gateway.cli.reference:explain",
}


class Verbs(click.Group):
    """A command group that imports a verb's module when the verb is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the order in which a newcomer meets them."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of that name, or None."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{VERBS[cmd_name]} is no command")
        return command


def _show_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click passes it so
    if wanted:
        click.echo(f"metergate {metadata.version('metergate')}")
        ctx.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Print the version."
)
def main() -> None:
    """Read utility meters that speak IEC 62056-21.

    \b
    Examples:
      metergate demo                                     a simulated building, no meter at hand
      metergate read /dev/ttyUSB0 --serial 01234567      one meter
      metergate check site.toml                          a site file, offline
      metergate run site.toml                            the gateway
    """  # noqa: D301 - click's mark for lines that stay as they are
