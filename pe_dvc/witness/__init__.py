"""A witness: cosigns logs that only grow, and never two histories of one log. ADR 0042."""
