"""The commands, one module a resource or a task. Each is a function: options in, SDK calls, `Out`."""
