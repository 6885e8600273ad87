"""Questions whose answers are the options of `flexctl pipeline create`."""
