"""`flexctl completion`."""

from typing import Annotated, Literal

import typer

from flexctl.state import state_of

BASH = r"""# bash completion of flexctl
_flexctl() {
    local IFS=$'\n' answer
    answer=($(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" COMP_WORDBREAKS="$COMP_WORDBREAKS" \
        _FLEXCTL_COMPLETE=bash "$1" 2>/dev/null </dev/null))
    COMPREPLY=("${answer[@]:1}")
    case "${answer[0]}" in
        files) compopt -o default 2>/dev/null ;;
        open) compopt -o nospace 2>/dev/null ;;
    esac
}
complete -o nosort -F _flexctl flexctl 2>/dev/null || complete -F _flexctl flexctl
"""

ZSH = r"""#compdef flexctl
_flexctl() {
    local program="${(Q)words[1]}" line
    local -a answer described
    whence -p -- "$program" >/dev/null || program=flexctl
    answer=("${(@f)$(_FLEXCTL_COMPLETE=zsh "$program" "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" \
        2>/dev/null </dev/null)}")
    for line in "${(@)answer[2,-1]}"; do
        described+=("${${line%%$'\t'*}//:/\\:}:${${line#*$'\t'}#${line%%$'\t'*}}")
    done
    case "$answer[1]" in
        files) _files ;;
        open) _describe -V flexctl described -S '' ;;
        names) _describe -V flexctl described ;;
    esac
}
if [[ "${zsh_eval_context[-1]}" == loadautofunc ]]; then
    _flexctl "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
    compdef _flexctl flexctl
fi
"""

FISH = r"""# fish completion of flexctl
function __flexctl_answer
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l current (commandline -ct)
    set -l answer (_FLEXCTL_COMPLETE=fish command $program $words "$current" 2>/dev/null </dev/null)
    if test "$answer[1]" = files
        __fish_complete_path "$current"
    else
        set -e answer[1]
        printf '%s\n' $answer
    end
end
complete -c flexctl -f -k -a '(__flexctl_answer)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def completion(
    ctx: typer.Context,
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print what makes a shell complete flexctl: commands, options, choices, and names of what is there.

    For this session, or in ~/.bashrc, ~/.zshrc and ~/.config/fish/config.fish for every one:

      source <(flexctl completion bash)
      source <(flexctl completion zsh)
      flexctl completion fish | source

    Names of pipelines, cameras, webhooks and framegrabs come from a file that is made anew behind the scenes when it is
    older than ten seconds, so the first TAB after a long time shows what was there before, or nothing. It asks with
    FLEX_TOKEN, FLEX_API_KEY or a token that is kept in a file: never with a keyring, which might ask you.

    flexctl completion bash > ~/.local/share/bash-completion/completions/flexctl
    flexctl completion zsh > ~/.zfunc/_flexctl
    flexctl completion fish > ~/.config/fish/completions/flexctl.fish
    """
    state_of(ctx).out.write(SCRIPTS[shell])
