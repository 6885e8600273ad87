"""The inside of `flexclient.testing.FakeFlex`."""
