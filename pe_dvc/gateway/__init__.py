"""The gateway: gated data for named people, and the ledger of who read what."""
