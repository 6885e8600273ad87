"""What is wrong between this machine and a box, and the command that mends it."""
