"""`flexctl doctor`."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import typer

from flexctl import __version__
from flexctl.doctor import here
from flexctl.doctor.examine import Look, examine
from flexctl.doctor.finding import Finding, failed
from flexctl.errors import Stop, addressed
from flexctl.exits import Exit
from flexctl.out.style import paint
from flexctl.state import State, state_of
from flexctl.views.doctor import FINDING, report

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 3.0
"""Longest wait for one answer, where --timeout says nothing else."""
STEPS = 7
"""Waits, one after the other, that the longest look can need."""


def doctor(ctx: typer.Context) -> None:
    """Look for what is wrong between this machine and the box, and say what mends it.

    The box: name, port, certificate, clock, versions, login, GStreamer, each of its parts, the ports of streams. This
    machine: a player, the keyring, the terminal, flexctl's own files. All at once, each for a limited time; --timeout
    sets the wait for one answer (3s). It changes nothing, and works when the box is off.

    Exit 0 where nothing fails; warnings are no failure. Exit 1 otherwise.

    flexctl doctor
    flexctl doctor -o json --query "[?status=='fail'].mend"
    """
    run = state_of(ctx)
    try:
        many = run.many
    except Stop:  # the contexts cannot be read: that is a finding, and no reason to find no other
        many = False
    if not many:
        _examine(run)
        return
    from flexctl.fanout import fan_out

    def each(state: State) -> None:
        with state:
            _examine(state)

    fan_out(run, ctx.command_path, each, yes=False)


def _examine(run: State) -> None:
    seconds = run.settings.get("timeout") or SECONDS
    with run.out.progress("Looking"):
        found = examine(_looks(run, seconds), STEPS * seconds)
    findings = [replace(finding, mend=addressed(finding.mend, run.flags)) for finding in found]
    _show(run, findings)
    if count := failed(findings):
        faults = "1 thing fails" if count == 1 else f"{count} things fail"
        raise Stop(f"{faults} of {len(findings)} that were looked at", "what mends it stands below each")


def _looks(run: State, seconds: float) -> list[Look]:
    found = [Look("box", partial(_box, run, seconds)), Look("player", here.players)]
    try:
        box = run.box
    except Stop:  # the look at the box tells of it
        box = None
    if box and box.ca_file:
        found.append(Look("ca file", partial(here.ca_file, box.ca_file, run.out.clock())))
    if box:
        found.append(Look("keyring", partial(here.keyring, box.account)))
    terminal = partial(here.terminal, run.out.terminal)
    return [*found, Look("terminal", terminal), Look("config", here.files)]


def _box(run: State, seconds: float) -> "Iterator[Finding]":
    from flexctl.doctor.box import Patient, looks

    try:
        patient = Patient(run.box, lambda: run.client, run.problem_of, run.out.clock, __version__, seconds)
    except Stop as error:  # no such context, or a file of them that cannot be read
        mend = "flexctl context list" if error.problem.code == Exit.NOT_FOUND else ""
        yield Finding("box", "fail", error.problem.sentence, mend)
        return
    yield from looks(patient)


def _show(run: State, findings: list[Finding]) -> None:
    """People get a report; a form, columns, a query or a template get the list."""
    out = run.out
    if out.form != "table" or out.columns or out.sort_by or out.template:
        out.list(findings, FINDING)
        return
    lines = report(findings, out.terminal.width, unicode=out.terminal.unicode)
    out.page("\n".join(paint(line, out.terminal.color) for line in lines))
