"""The map of flexctl: every command with its help line. Help and completion import nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from flexctl.lazy import Entry, Group, LazyGroup, root

ALIAS = {
    "set": Entry("flexctl.cmds.alias:set_", "Give a command a name of one's own"),
    "list": Entry("flexctl.cmds.alias:list_", "Show the aliases"),
    "delete": Entry("flexctl.cmds.alias:delete", "Forget aliases"),
}

AUDIO_DEVICE = {
    "list": Entry(
        "flexctl.cmds.audio_device:list_",
        "Show the devices that sound comes from",
        calls=("audio_devices.list",),
        boxes="each",
    ),
}

AUTH = {
    "login": Entry("flexctl.cmds.auth:login", "Begin a session with the box's password", calls=("auth.login",)),
    "logout": Entry("flexctl.cmds.auth:logout", "End the session", calls=("auth.logout",), boxes="each"),
    "status": Entry(
        "flexctl.cmds.auth:status",
        "Show whether a password is needed, and who you are",
        calls=("auth.status",),
        boxes="each",
    ),
    "set-password": Entry(
        "flexctl.cmds.auth:set_password", "Set or change the box's password", calls=("auth.set_password",)
    ),
    "remove-password": Entry(
        "flexctl.cmds.auth:remove_password",
        "Ask nobody for a password any more",
        calls=("auth.remove_password",),
        boxes="each",
    ),
}

CAMERA = {
    "list": Entry(
        "flexctl.cmds.camera:list_", "Show the cameras that are plugged in", calls=("cameras.list",), boxes="each"
    ),
    "get": Entry("flexctl.cmds.camera:get", "Show what a camera can do", calls=("cameras.get",), boxes="each"),
    "events": Entry("flexctl.cmds.camera:events", "Follow cameras that come and go", calls=("cameras.events",)),
}

CONTEXT = {
    "add": Entry(
        "flexctl.cmds.context:add", "Save a box: its address under a name, and whom to trust there", boxes="none"
    ),
    "use": Entry("flexctl.cmds.context:use", "Take this box where none is named", boxes="none"),
    "list": Entry("flexctl.cmds.context:list_", "Show the saved boxes", boxes="none"),
    "show": Entry("flexctl.cmds.context:show", "Show what is saved of a box", boxes="none"),
    "rename": Entry("flexctl.cmds.context:rename", "Give a saved box another name", boxes="none"),
    "remove": Entry("flexctl.cmds.context:remove", "Forget a box, and its token", boxes="none"),
    "trust": Entry("flexctl.cmds.context:trust", "Trust the certificate that a box shows now", boxes="none"),
}

FRAMEGRAB = {
    "list": Entry(
        "flexctl.cmds.framegrab:list_",
        "Show the pictures that were taken from streams",
        calls=("framegrabs.list",),
        boxes="each",
    ),
    "download": Entry("flexctl.cmds.framegrab:download", "Save pictures here", calls=("framegrabs.download",)),
    "delete": Entry(
        "flexctl.cmds.framegrab:delete",
        "Delete pictures",
        calls=("framegrabs.delete", "framegrabs.delete_all"),
        boxes="each",
    ),
    "show": Entry("flexctl.cmds.framegrab:show", "Draw a picture in the terminal"),
}

LICENSE = {
    "show": Entry(
        "flexctl.cmds.license:show", "Show what the box is licensed for", calls=("license.get",), boxes="each"
    ),
    "install": Entry("flexctl.cmds.license:install", "Install a licence", calls=("license.install",)),
    "remove": Entry("flexctl.cmds.license:remove", "Remove the licence", calls=("license.remove",), boxes="each"),
}

PIPELINE = {
    "list": Entry(
        "flexctl.cmds.pipeline:list_",
        "Show all pipelines; --watch keeps the table up to date",
        calls=("pipelines.list",),
        boxes="each",
    ),
    "get": Entry(
        "flexctl.cmds.pipeline:get", "Show one pipeline as it is configured", calls=("pipelines.get",), boxes="each"
    ),
    "create": Entry(
        "flexctl.cmds.pipeline:create",
        "Make a pipeline, from options or a file",
        calls=("pipelines.create",),
        boxes="each",
    ),
    "update": Entry(
        "flexctl.cmds.pipeline:update",
        "Change a pipeline",
        calls=("pipelines.patch", "pipelines.replace"),
        boxes="each",
    ),
    "delete": Entry("flexctl.cmds.pipeline:delete", "Remove pipelines", calls=("pipelines.delete",), boxes="each"),
    "play": Entry("flexctl.cmds.run:play", "Encode now, readers or not", calls=("pipelines.play",), boxes="each"),
    "stop": Entry("flexctl.cmds.run:stop", "Stop encoding and refuse readers", calls=("pipelines.stop",), boxes="each"),
    "status": Entry(
        "flexctl.cmds.run:status",
        "Show how a pipeline fares: state, rate, readers",
        calls=("pipelines.status",),
        boxes="each",
    ),
    "wait": Entry("flexctl.cmds.run:wait", "Wait until pipelines reach a state", boxes="each"),
    "events": Entry(
        "flexctl.cmds.events:pipeline_events", "Follow what happens to one pipeline", calls=("pipelines.events",)
    ),
    "snapshot": Entry("flexctl.cmds.inspect:snapshot", "Save the newest picture", calls=("pipelines.snapshot",)),
    "logs": Entry(
        "flexctl.cmds.inspect:logs", "Show the last lines of its worker", calls=("pipelines.logs",), boxes="each"
    ),
    "graph": Entry("flexctl.cmds.inspect:graph", "Show its GStreamer graph", calls=("pipelines.graph",), boxes="each"),
}

SETTINGS = {
    "get": Entry("flexctl.cmds.settings:get", "Show what the box is set to", calls=("settings.get",), boxes="each"),
    "set": Entry("flexctl.cmds.settings:set_", "Change settings", calls=("settings.update",), boxes="each"),
    "edit": Entry("flexctl.cmds.settings:edit", "Change settings in an editor"),
}

TRIGGER = {
    "publish": Entry("flexctl.cmds.trigger:publish", "Say that a stream is published", calls=("triggers.publish",)),
    "unpublish": Entry(
        "flexctl.cmds.trigger:unpublish", "Say that it is no longer published", calls=("triggers.unpublish",)
    ),
}

WEBHOOK = {
    "list": Entry(
        "flexctl.cmds.webhook:list_",
        "Show the addresses that are told what happens",
        calls=("webhooks.list",),
        boxes="each",
    ),
    "create": Entry(
        "flexctl.cmds.webhook:create", "Tell an address what happens", calls=("webhooks.create",), boxes="each"
    ),
    "delete": Entry("flexctl.cmds.webhook:delete", "Tell an address nothing more", calls=("webhooks.delete",)),
    "test": Entry("flexctl.cmds.webhook:send_test", "Send a test message now", calls=("webhooks.test",)),
    "deliveries": Entry(
        "flexctl.cmds.webhook:deliveries", "Show what was sent and how it fared", calls=("webhooks.deliveries",)
    ),
    "listen": Entry("flexctl.cmds.webhook_listen:listen", "Receive webhooks here, check and print them", boxes="none"),
}

TABLE: dict[str, Entry | Group] = {
    "pipeline": Group("Make, change, run and watch pipelines", PIPELINE),
    "events": Entry(
        "flexctl.cmds.events:events", "Follow everything that happens on the box", calls=("events.stream",), boxes="all"
    ),
    "top": Entry("flexctl.cmds.top:top", "Watch all pipelines, play, stop and read logs by keys", boxes="all"),
    "wait": Entry("flexctl.cmds.wait:wait", "Wait until something is as it should be", boxes="each"),
    "framegrab": Group("Pictures that were taken from streams", FRAMEGRAB),
    "camera": Group("Cameras that are plugged into the box", CAMERA),
    "audio-device": Group("Sound sources of the box", AUDIO_DEVICE),
    "settings": Group("What the box is set to", SETTINGS),
    "auth": Group("Password and session", AUTH),
    "context": Group("Saved boxes: which one a command is for", CONTEXT),
    "webhook": Group("Addresses that are told what happens", WEBHOOK),
    "trigger": Group("What another media server says of its publishers", TRIGGER),
    "license": Group("What the box is licensed for", LICENSE),
    "apply": Entry("flexctl.cmds.apply:apply", "Make the box as files say", boxes="each"),
    "diff": Entry("flexctl.cmds.diff:diff", "Show what apply would change", boxes="each"),
    "export": Entry("flexctl.cmds.export:export", "Write what the box has as files for apply", boxes="each"),
    "delete": Entry("flexctl.cmds.delete:delete", "Delete what files describe", boxes="each"),
    "health": Entry(
        "flexctl.cmds.system:health",
        "Show whether the box and its parts are well",
        calls=("system.health", "system.live", "system.ready", "system.startup"),
        boxes="each",
    ),
    "metrics": Entry(
        "flexctl.cmds.system:metrics",
        "Show the box's figures as Prometheus reads them",
        calls=("system.metrics",),
        boxes="each",
    ),
    "version": Entry(
        "flexctl.cmds.system:version",
        "Show the versions of flexctl and of the box",
        calls=("system.version",),
        boxes="each",
    ),
    "play": Entry("flexctl.cmds.play:play", "Watch a pipeline here: start a player on this machine"),
    "open": Entry("flexctl.cmds.open:open_", "Open the box's web interface in a browser"),
    "doctor": Entry("flexctl.cmds.doctor:doctor", "Look for what is wrong, and say what mends it", boxes="all"),
    "discover": Entry("flexctl.cmds.discover:discover", "Find boxes on the network", boxes="none"),
    "alias": Group("Words of one's own for long commands", ALIAS),
    "completion": Entry(
        "flexctl.cmds.completion:completion", "Print what makes a shell complete flexctl's commands", boxes="none"
    ),
    "openapi": Entry(
        "flexctl.cmds.system:openapi", "Show the API's own description", calls=("system.openapi",), boxes="each"
    ),
    "api": Entry("flexctl.cmds.api:api", "Send any request to the box", boxes="each"),
}

HELP = """Command line of a Flex Video encoder.

A variable in brackets says the same as its option. FLEX_TOKEN and FLEX_API_KEY say who asks; they have no option,
because everyone on a machine can read its command lines.
"""


def _version(value: bool) -> None:
    if value:
        from flexctl import __version__

        typer.echo(f"flexctl {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show flexctl's version.")
    ] = False,
) -> None:
    """Only its signature is used."""


def app() -> LazyGroup:
    """The whole command line."""
    return root(HELP, TABLE, _root)
