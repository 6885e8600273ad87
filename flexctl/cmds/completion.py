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

    For this session, or in ~/.bashrc, ~/.zshrc and ~/.config/fish/config.fish for every one:

      source <(flexctl completion bash)
      source <(flexctl completion zsh)
      flexctl completion fish | source

    flexctl completion bash > ~/.local/share/bash-completion/completions/flexctl
    """
    state_of(ctx).out.write(completion_script(shell))
