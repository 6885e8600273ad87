"""What changes while one looks: pure reducers, one screen, and the same as lines in a pipe."""
