# Follows the box: every pipeline whenever its state changes, and why.   python examples/02_watch_events.py [SECONDS]
import sys
import threading

from flexclient import FlexClient

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else None

with FlexClient() as client, client.watch() as changes:  # goes on by itself when the box was away
    if seconds:
        threading.Timer(seconds, changes.close).start()
    shown: dict[str, str] = {}
    for change in changes:
        if change.kind == "stale":
            print("The box is away; trying again.", flush=True)
        states = {name: str(row.state) for name, row in change.pipelines.items()}
        for name in states.keys() | shown.keys():
            if states.get(name) != shown.get(name):
                row = change.pipelines.get(name)
                reason = row.status.reason if row and row.status else None
                print(f"{name}: {states.get(name, 'gone')}" + (f" ({reason})" if reason else ""), flush=True)
        shown = states
