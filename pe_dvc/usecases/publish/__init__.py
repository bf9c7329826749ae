"""Publishing: objects first, then signed metadata, the timestamp last."""
