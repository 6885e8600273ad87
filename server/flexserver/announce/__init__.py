"""The box makes itself known on the network: its streams by Cursor on Target (TAK), itself by mDNS."""
