"""The API's resources: one class each, one method an endpoint."""
