"""Reading: reference, channel, manifest, payload, each verified by the one before."""
