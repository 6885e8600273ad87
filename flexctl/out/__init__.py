"""All output of flexctl: data to stdout, talk to stderr. Nobody else prints or asks whether this is a terminal."""
