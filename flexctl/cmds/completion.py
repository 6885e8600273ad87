"""`flexctl completion`."""

from typing import Annotated, Literal

import typer

from flexctl.lazy import completion_script
from flexctl.state import state_of


def completion(
    ctx: typer.Context,
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print what makes a shell complete flexctl's commands and options.

    source <(flexctl completion bash)    # in ~/.bashrc

    source <(flexctl completion zsh)     # in ~/.zshrc

    flexctl completion fish | source     # in ~/.config/fish/config.fish
    """
    state_of(ctx).out.write(completion_script(shell))
