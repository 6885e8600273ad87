"""Side-by-side measurements: `./dev bench [NAME ...]`. Each figure is a ratio against a named rival in one run."""
