"""Trust: TUF roles, signers, pinned roots and the client that verifies channels."""
