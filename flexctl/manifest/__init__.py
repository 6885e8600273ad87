"""What people write: files and flags, as the documents that the API takes."""
