"""Reading: reference, channel, manifest, payload, each vouched for by the one before."""
