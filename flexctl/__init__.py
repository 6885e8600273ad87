"""flexctl: the command line of a Flex Video encoder."""

__version__ = "0.1.0"
