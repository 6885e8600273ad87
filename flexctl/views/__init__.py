"""What each resource looks like: columns and details as values. Nothing here prints, asks or reads a clock."""
