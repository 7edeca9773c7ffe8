"""The verbs that print what Metergate knows of itself: `schema`, `completion`, `explain`."""

import difflib
import json

import click
from click.shell_completion import get_completion_class

from gateway.codes import CODES
from gateway.site.schema import site_schema

PROGRAM = "metergate"
VARIABLE = "_METERGATE_COMPLETE"


@click.command()
def schema() -> None:
    """Print the JSON Schema of the site file, for editors and other programs.

    \b
    Example:
      metergate schema > metergate.schema.json
    """  # noqa: D301 - click's mark for lines that stay as they are
    click.echo(json.dumps(site_schema(), ensure_ascii=False, indent=1))


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes verbs and options in a shell.

    \b
    Examples:
      metergate completion bash > ~/.local/share/bash-completion/completions/metergate
      metergate completion fish > ~/.config/fish/completions/metergate.fish
    """  # noqa: D301 - click's mark for lines that stay as they are
    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(script(context.find_root().command, {}, PROGRAM, VARIABLE).source())


@click.command()
@click.argument("code")
def explain(code: str) -> None:
    """Print what a message code means, and what to do.

    \b
    Example:
      metergate explain E-READ-5
    """  # noqa: D301 - click's mark for lines that stay as they are
    explanation = CODES.get(code.upper())
    if explanation is None:
        near = difflib.get_close_matches(code.upper(), CODES, n=3)
        advice = f"; did you mean {', '.join(near)}?" if near else f"; the first of {len(CODES)} is {next(iter(CODES))}"
        raise click.UsageError(f'no message has the code "{code}"{advice}')
    click.echo(f"{code.upper()}: {explanation.title}\n\n{explanation.meaning}\n\nnext: {explanation.next}")
